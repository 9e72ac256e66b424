"""`binbench evaluate`: judge stored results."""

from __future__ import annotations

import json
from pathlib import Path

import click

from binbench.cli import options


@click.command("evaluate")
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

    Means have 95 % bootstrap intervals. Every method is compared with float, and binary with pq at equal bytes per
    vector, query by query, with Holm's correction over the comparisons of one table by one measure. The exit status is
    not zero when a result could not be judged.
    """
    from binbench.files import atomic
    from binbench.harness.review import COMPARED, review
    from binbench.report.evaluation import as_json, show

    found = review(results_dir, data_dir, options.split_list(datasets), options.split_list(measures) or COMPARED, force)
    show(found)
    if json_file:
        with atomic(json_file) as temporary:
            temporary.write_text(json.dumps(as_json(found), indent=2) + "\n")
    for reason in found.left_out:
        click.echo(f"binbench: left out: {reason}", err=True)
    for result in found.failures:
        reason = f"{result.status}: {result['reason']}"
        click.echo(f"binbench: {result['name']} on {result['dataset']} has no figures ({reason})", err=True)
    return 1 if found.left_out or found.failures else 0
