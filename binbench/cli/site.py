"""`binbench site`: stored results as a static site."""

from __future__ import annotations

from pathlib import Path

import click

from binbench.cli import options


@click.command("site", epilog=options.examples("site public", "site public --filter 'set=scifact*'"))
@click.argument("folder", metavar="DIR", type=options.Folder())
@click.option("--filter", "filters", multiple=True, help="Such as set=scifact* or family=binary,pq; repeatable.")
@options.results_dir
@options.data_dir
@options.plugins
def command(
    folder: Path, filters: tuple[str, ...], results_dir: Path, data_dir: Path, plugins: tuple[Path, ...]
) -> None:
    """Write a static site of stored results into DIR: an overview, a page per set and per method.

    It needs no server and no network: open the page whose path is printed.
    """
    from binbench.report.site import site

    options.load_plugins(plugins)
    click.echo(site(folder, results_dir, data_dir, filters=filters)[0])
