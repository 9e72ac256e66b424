"""`binbench table`: stored results as tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from binbench.cli import options


@click.command(
    "table",
    epilog=options.examples(
        "table",
        "table --filter 'bytes_per_vector<=32' --sort=-recall@10 --documents 10M",
        "table --columns method,bytes_per_vector,recall@10,notes --format markdown",
    ),
)
@click.option(
    "--format", type=click.Choice(["rich", "plain", "markdown", "latex"]), help="[default: rich on a terminal]"
)
@click.option("--columns", multiple=True, help="Names, comma-separated; `binbench export --describe` lists them.")
@click.option("--sort", multiple=True, help="A column, or -column for the largest first; repeatable.")
@click.option("--filter", "filters", multiple=True, help="Such as family=binary,pq* or 'recall@10>0.5'; repeatable.")
@click.option("--group-by", multiple=True, help="A column whose values get tables of their own, such as family.")
@click.option("--ci", is_flag=True, help="Show the 95 % interval of every figure.")
@click.option("--iso-memory", is_flag=True, help="Methods that take the same bytes per vector, against PQ.")
@click.option("--wide", is_flag=True, help="On a terminal, show all columns, also those that do not fit.")
@click.option("--by-seed", is_flag=True, help="A row for each seed, instead of the mean over the seeds of a method.")
@click.option(
    "--documents",
    type=options.Number(),
    help="Also project the memory over so many documents, such as 10M. Measures nothing; `run --documents` does.",
)
@options.results_dir
@options.data_dir
def command(results_dir: Path, data_dir: Path, **chosen: Any) -> None:
    """Show stored results.

    One table per set, k, mode and number of threads. Failed and skipped methods are shown with their reason.
    """
    from binbench.report.table import TableOptions, table

    click.echo(table(results_dir, data_dir, TableOptions(**chosen)), nl=False)
