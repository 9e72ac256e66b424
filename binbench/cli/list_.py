"""`binbench list`: what there is to run."""

from __future__ import annotations

from pathlib import Path

import click

from binbench.cli import options
from binbench.plugins.registry import ALGORITHMS, DATASETS, Family
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import RECIPES

KINDS = ("algorithms", "datasets", "encoders")


@click.command("list")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@options.plugins
def command(kinds: tuple[str, ...], plugins: tuple[Path, ...]) -> None:
    """Show algorithms, datasets and encoders, or those of the KINDS named."""
    for plugin in plugins:
        ALGORITHMS.load_file(plugin)
    tables = {"algorithms": _algorithms, "datasets": _datasets, "encoders": _encoders}
    for i, kind in enumerate(kinds or KINDS):
        if i:
            click.echo()
        click.echo(f"{kind}:")
        _print(tables[kind]())


def _print(rows: list[tuple[str, str]]) -> None:
    width = max(len(left) for left, _ in rows)
    for left, right in rows:
        click.echo(f"  {left:<{width}}  {right}".rstrip())


def _named(family: Family) -> str:
    names = [instance.name for instance in family.instances()]
    return f"{family.pattern}  ({' '.join(names)})" if family.grid else family.pattern


def _algorithms() -> list[tuple[str, str]]:
    return [(_named(family), family.summary) for family in ALGORITHMS.families()]


def _datasets() -> list[tuple[str, str]]:
    rows = [(_named(family), family.summary) for family in DATASETS.families()]
    folder = SourceOptions.from_environment().beir_dir
    if folder and folder.is_dir():
        registered = {family.name for family in DATASETS.families()}
        rows += [
            (found.parent.name, f"collection in {folder}")
            for found in sorted(folder.glob("*/corpus.jsonl"))
            if found.parent.name not in registered
        ]
    return rows


def _encoders() -> list[tuple[str, str]]:
    rows = [
        (name, f"{r.dimension} dimensions, {r.pooling} pooling, {r.max_tokens} tokens") for name, r in RECIPES.items()
    ]
    rows.append(("lsa256", "TF-IDF and truncated SVD fitted on the collection; needs no weights (also lsa<d>)"))
    rows.append(("FOLDER or owner/name", "any sentence-transformers model"))
    return rows
