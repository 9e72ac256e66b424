"""`binbench demo`: what compression does to search, on texts."""

from __future__ import annotations

import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from binbench.cli import options
from binbench.errors import UserError


@click.command(
    "demo",
    epilog=options.examples("demo --query 'read a file line by line'", "demo --algorithm int8,binary256 --format html"),
)
@click.option("--dataset", default="pydocs", show_default=True, help="A collection of texts.")
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    default=("int8,pq32,binary256",),
    show_default=True,
    help="Methods to set beside float, comma-separated; repeatable.",
)
@click.option("--query", "queries", multiple=True, help="What to look for; repeatable. [default: asks on a terminal]")
@click.option("--format", "to", type=click.Choice(["markdown", "html"]), help="Write a file instead.")
@click.option("--output", type=options.Folder(), help="The file. [default: demo.md or demo.html]")
@options.encoding
@options.option(options.SetOptions, "split")
@options.option(options.SetOptions, "beir_dir")
@options.data_dir
def command(
    dataset: str, algorithms: tuple[str, ...], queries: tuple[str, ...], to: Any, output: Path | None, **chosen: Any
) -> None:
    """Search a collection with float vectors and with compressed ones, and show the texts found side by side.

    Marks what was lost or moved against float, and says what the whole collection takes and how well each method does
    over all queries of the collection.
    """
    from binbench.report.demo import as_file, on_terminal, table_on_terminal
    from binbench.tasks.demo import demonstrate

    if output and not to:
        raise UserError("--output needs --format markdown or html")
    chosen["encoders"] = (chosen.pop("encoder"),)
    [preparation] = options.preparations(datasets=(dataset,), train=None, queries=None, **chosen)
    on_a_terminal = sys.stdin.isatty() and sys.stdout.isatty() and not to
    demonstration = demonstrate(preparation, algorithms, queries if queries or not on_a_terminal else None)
    asked = list(queries) or demonstration.own_queries[:3]
    if to:
        from binbench.files import atomic

        path = output or Path("demo.md" if to == "markdown" else "demo.html")
        text = as_file(demonstration, [(query, demonstration.ask(query)) for query in asked], to)
        with atomic(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
        click.echo(path)
        return
    width = max(20, shutil.get_terminal_size().columns)
    if not queries and on_a_terminal:
        click.echo(f"{demonstration.name}: {demonstration.documents:,} texts. An empty line ends.")
        with suppress(EOFError):
            while query := input("Look for: ").strip():
                click.echo(on_terminal(query, demonstration.ask(query), width))
    else:
        for query in asked:
            click.echo(on_terminal(query, demonstration.ask(query), width))
    click.echo(table_on_terminal(demonstration, width), nl=False)
