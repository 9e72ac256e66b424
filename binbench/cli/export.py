"""`binbench export`: stored results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from binbench.cli import options

_NAMES = {"csv": "results.csv", "jsonl": "results.jsonl", "parquet": "results.parquet", "trec": "trec"}


@click.command(
    "export",
    epilog=options.examples(
        "export", "export --format parquet --filter status=ok --output results.parquet", "export --describe"
    ),
)
@click.option("--format", "to", type=click.Choice(list(_NAMES)), default="csv", show_default=True)
@click.option("--output", type=options.Folder(), help="The file; for trec a folder. [default: results.FORMAT or trec]")
@click.option("--filter", "filters", multiple=True, help="Such as family=binary,pq* or 'recall@10>0.5'; repeatable.")
@click.option("--describe", is_flag=True, help="Print what every column means; write nothing.")
@options.results_dir
@options.data_dir
def command(
    to: Any, output: Path | None, filters: tuple[str, ...], describe: bool, results_dir: Path, data_dir: Path
) -> None:
    """Write stored results with every figure and its provenance, one row per set, method, query arguments and k.

    Failed and skipped results are rows too. Prints the path of each file.
    """
    if describe:
        from binbench.records.columns import describe as described

        click.echo(described(), nl=False)
        return
    from binbench.report.export import export

    for path in export(results_dir, output or Path(_NAMES[to]), to, data_dir, filters=filters):
        click.echo(path)
