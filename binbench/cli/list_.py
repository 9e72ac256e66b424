"""`binbench list`: what there is to run."""

from __future__ import annotations

import inspect
import shutil
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import click

from binbench.cli import options
from binbench.plugins.declared import asked
from binbench.plugins.family import Family
from binbench.plugins.registry import ALGORITHMS, DATASETS, ENCODERS, Registry
from binbench.sets import DEFAULT_ENCODER
from binbench.sets.beir_layout import beir_folders
from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import other_models

KINDS = ("algorithms", "datasets", "encoders")


@click.command("list", epilog=options.examples("list", "list algorithms", "list algorithms --long"))
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option(
    "--long", "is_long", is_flag=True, help="Instances, query arguments and all that a method says of itself."
)
@options.plugins
def command(kinds: tuple[str, ...], is_long: bool, plugins: tuple[Path, ...]) -> None:
    """Show algorithms, datasets and encoders, or those of the KINDS named.

    Algorithms stand with the bytes per vector of their smallest and largest default instance at the default encoder's
    dimension; a dash where only the fitted index knows.
    """
    options.load_plugins(plugins)
    for i, kind in enumerate(kinds or KINDS):
        if i:
            click.echo()
        if kind == "algorithms":
            dimension = ENCODERS.get(DEFAULT_ENCODER).family.facts["dimension"]
            click.echo(f"algorithms, with bytes per vector at {dimension} dimensions:")
            _print(
                [
                    (f.pattern, _held(f, dimension), f.clause, *(_long(f) if is_long else ()))
                    for f in ALGORITHMS.families()
                ]
            )
        else:
            click.echo(f"{kind}:")
            _print(_datasets() if kind == "datasets" else _encoders())


def _print(rows: Sequence[tuple[str, ...]]) -> None:
    """Two or three columns, of which the last wraps on a terminal; further cells stand below, indented."""
    last = 2 if len(rows[0]) > 2 else 1
    widths = [max(len(row[i]) for row in rows) for i in range(last)]
    on_terminal = sys.stdout.isatty()
    width = shutil.get_terminal_size().columns if on_terminal else 10_000
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(widths[1]) for cell in row[1:last])]
        lead = "  " + "".join(f"{cell}  " for cell in cells)
        # Where the names leave no room beside them, the text stands below.
        room = width - len(lead)
        lines = textwrap.wrap(row[last], max(room, 30)) or [""]
        click.echo((lead + lines[0]).rstrip() if room >= 30 else lead.rstrip())
        for line in lines[1:] if room >= 30 else lines:
            click.echo(" " * (len(lead) if room >= 30 else 6) + line)
        for text in row[last + 1 :]:
            click.echo(textwrap.fill(text, min(width, 100), initial_indent=" " * 6, subsequent_indent=" " * 6))


def _held(family: Family, dimension: int) -> str:
    rule = family.facts.get("held")
    if rule is None:
        return "–"
    with asked(family.where):
        found = [float(rule(dimension, **instance.parameters)) for instance in family.instances()]
    return "–".join(dict.fromkeys(f"{value:,.0f}" for value in (min(found), max(found))))


def _long(family: Family) -> list[str]:
    names = " ".join(instance.name for instance in family.instances())
    grid = "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in family.plugin.query_grid.items())
    told = (inspect.getdoc(family.plugin) or "").split("\n\n")
    return [
        *([f"instances: {names}"] if family.grid else []),
        *([f"query arguments: {grid}"] if grid else []),
        *told,
        "",
    ]


def _registered(registry: Registry) -> list[tuple[str, str]]:
    return [
        (f"{f.pattern}  ({' '.join(i.name for i in f.instances())})" if f.grid else f.pattern, f.summary)
        for f in registry.families()
    ]


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
