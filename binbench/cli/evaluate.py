"""`binbench evaluate`: judge stored results."""

from __future__ import annotations

import json
from pathlib import Path

import click

from binbench.cli import options


@click.command(
    "evaluate",
    epilog=options.examples("evaluate", "evaluate --dataset 'scifact*' --measure recall@10 --json review.json"),
)
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    help="Only these: names of sets or datasets, globs, or HDF5 files elsewhere; a comma-separated list; repeatable.",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    help="What methods are compared by; repeatable. [default: recall@10, ndcg@10]",
)
@click.option("--force", is_flag=True, help="Compute figures anew that are stored.")
@click.option("--json", "json_file", type=options.Folder(), help="Also write everything to this file.")
@options.results_dir
@options.data_dir
def command(
    datasets: tuple[str, ...],
    measures: tuple[str, ...],
    force: bool,
    json_file: Path | None,
    results_dir: Path,
    data_dir: Path,
) -> int:
    """Compute the figures of stored results, without running any method, and compare the methods.

    Means have 95 % bootstrap intervals. Every method is compared with float, and with pq at equal bytes per vector,
    query by query, with Holm's correction over the comparisons of one table by one measure. The exit status is not zero
    when a result could not be judged.
    """
    from binbench.files import atomic
    from binbench.harness.figures import evaluate
    from binbench.records.pairs import COMPARED
    from binbench.records.review import review
    from binbench.report.evaluation import review_as_json, show_review

    records, left_out = evaluate(results_dir, data_dir, options.split_list(datasets), force)
    groups = review(records, options.split_list(measures) or COMPARED)
    show_review(groups)
    if json_file:
        with atomic(json_file) as temporary:
            temporary.write_text(json.dumps(review_as_json(groups, left_out), indent=2) + "\n")
    for reason in left_out:
        click.echo(f"binbench: left out: {reason}", err=True)
    failures = [record for record in records if record.status not in ("ok", "skipped")]
    for record in failures:
        reason = f"{record.status}: {record.reason}"
        click.echo(f"binbench: {record.method} on {record.set} has no figures ({reason})", err=True)
    return 1 if left_out or failures else 0
