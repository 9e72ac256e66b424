"""`binbench list`: what there is to run."""

from __future__ import annotations

from pathlib import Path

import click

from binbench.cli import options
from binbench.plugins.family import Family
from binbench.plugins.registry import ALGORITHMS, DATASETS, ENCODERS, Registry
from binbench.sets.beir_layout import beir_folders
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import other_models

KINDS = ("algorithms", "datasets", "encoders")


@click.command("list")
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@options.plugins
def command(kinds: tuple[str, ...], plugins: tuple[Path, ...]) -> None:
    """Show algorithms, datasets and encoders, or those of the KINDS named."""
    options.load_plugins(plugins)
    tables = {"algorithms": lambda: _registered(ALGORITHMS), "datasets": _datasets, "encoders": _encoders}
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


def _registered(registry: Registry) -> list[tuple[str, str]]:
    return [(_named(family), family.summary) for family in registry.families()]


def _datasets() -> list[tuple[str, str]]:
    source = SourceOptions.from_environment()
    registered = {family.name for family in DATASETS.families()}
    return _registered(DATASETS) + [
        (folder.name, f"collection in {source.beir_dir}")
        for folder in beir_folders(source)
        if folder.name not in registered
    ]


def _encoders() -> list[tuple[str, str]]:
    others = other_models()
    return [*_registered(ENCODERS), (others.pattern, others.summary)]
