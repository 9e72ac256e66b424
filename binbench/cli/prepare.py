"""`binbench prepare`: make embedding sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from binbench.cli import options


@click.command(
    "prepare",
    epilog=options.examples(
        "prepare --dataset scifact --encoder all-MiniLM-L6-v2", "prepare --train docs.npy --queries queries.npy"
    ),
)
@options.preparing
@options.seed
@options.plugins
@options.clustered
@click.option("--force", is_flag=True, help="Make sets anew that exist.")
def command(plugins: tuple[Path, ...], force: bool, **chosen: Any) -> None:
    """Make embedding sets: collection, embeddings and exact neighbours in one HDF5 file.

    Prints the path of each set. A set that exists is left alone; a killed run goes on where it was.
    """
    options.load_plugins(plugins)
    for preparation in options.preparations(**chosen):
        click.echo(preparation.run(force=force).path)
