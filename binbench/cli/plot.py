"""`binbench plot`: pictures of stored results."""

from __future__ import annotations

from pathlib import Path

import click

from binbench.cli import options


class _Plot(click.Command):
    """Its help lists the kinds."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        from binbench.report.charts import kinds

        with formatter.section("Kinds"):
            formatter.write_dl(list(kinds().items()))
        super().format_epilog(context, formatter)


@click.command(
    "plot",
    cls=_Plot,
    epilog=options.examples("plot", "plot --kind recall-bytes --format svg --filter family=binary,pq"),
)
@click.option("--output", type=options.Folder(), default="plots", show_default=True, help="Where the pictures go.")
@click.option("--kind", "kinds", multiple=True, help="One of the kinds below; repeatable. [default: all]")
@click.option("--format", "formats", multiple=True, type=click.Choice(["png", "svg"]), help="[default: both]")
@click.option("--filter", "filters", multiple=True, help="Such as set=scifact* or family=binary,pq; repeatable.")
@options.results_dir
@options.data_dir
def command(
    output: Path,
    kinds: tuple[str, ...],
    formats: tuple[str, ...],
    filters: tuple[str, ...],
    results_dir: Path,
    data_dir: Path,
) -> None:
    """Draw stored results: quality by memory, speed by recall, build time, latency, equal bytes against PQ, recall
    against documents.

    Prints the path of each picture.
    """
    from binbench.report.plot import FORMATS, plot

    chosen = tuple(known for known in FORMATS if known in formats) or FORMATS
    for path in plot(results_dir, output, data_dir, kinds=kinds, formats=chosen, filters=filters):
        click.echo(path)
