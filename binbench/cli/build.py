"""`binbench build`: take a method home."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from binbench.cli import options
from binbench.errors import UserError
from binbench.files import path_of, whole_folder


@click.command(
    "build",
    epilog=options.examples(
        "build --algorithm pq32 --train docs.npy --output index",
        "build --algorithm pq32-rescore-float --argument candidates=250 --train docs.parquet --output rescored",
    ),
)
@click.option("--algorithm", required=True, help="One instance, such as pq32.")
@click.option("--argument", "arguments", multiple=True, help="A query-time argument as NAME=NUMBER; repeatable.")
@click.option("--output", type=options.Folder(), required=True, help="A folder that is not there yet.")
@options.preparing
@options.option(options.SetOptions, "source_seed")
@options.plugins
@options.results_dir
def command(
    algorithm: str,
    arguments: tuple[str, ...],
    output: Path,
    plugins: tuple[Path, ...],
    results_dir: Path,
    **chosen: Any,
) -> None:
    """Fit one method on all vectors and write the index in files that faiss and numpy read.

    index.faiss answers raw query vectors, the rotation is inside; codes are in codes.npy with parameters.npz;
    index.json says what it is and search.py how to search it without binbench.
    """
    from binbench.tasks.build import build, documents_of, from_file
    from binbench.tasks.index_files import SEARCH

    options.load_plugins(plugins)
    settings = options.asked(options.SetOptions, chosen | {"seed": chosen["seed"] or 0})
    with whole_folder(output) as folder:
        if settings.train and not settings.queries and not settings.hold_out and not settings.datasets:
            scratch = folder / ".documents.npy"
            documents = from_file(path_of(settings.train), scratch, settings.metric, settings.column)
            scratch.unlink()
        else:
            preparations = settings.preparations()
            if len(preparations) != 1:
                raise UserError(f"an index holds one set, and these options name {len(preparations)}")
            documents = documents_of(preparations[0].run())
        asked = dict(map(_argument, arguments))
        held = build(algorithm, documents, folder, seed=settings.source_seed, results_dir=results_dir, **asked)
        files = sorted(path.name for path in folder.iterdir())
    count = len(documents.rows)
    click.echo(
        f"{output}: {algorithm} over {count:,} documents, {held.total(count):,} bytes "
        f"({held.per_vector:,g} a vector); {', '.join(files)}"
    )
    if SEARCH not in files:
        click.echo("No search.py: this method needs binbench, bb.Index.load(path).query(vectors, k).")


def _argument(text: str) -> tuple[str, int]:
    name, _, value = text.partition("=")
    if not value.isdecimal():
        raise UserError(f"--argument {text!r}: expected NAME=NUMBER, such as nprobe=16")
    return name, int(value)
