"""`binbench similarity`: sentence pairs with human scores."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from binbench.cli import options


@click.command("similarity", epilog=options.examples("similarity --algorithm binary256,int8 --pairs pairs.tsv"))
@options.algorithms
@click.option(
    "--pairs",
    required=True,
    type=options.Folder(),
    help="Lines score⇥sentence1⇥sentence2 below a header of these names.",
)
@options.encoding
@options.data_dir
@options.plugins
@options.seed
@click.option("--json", "json_file", type=options.Folder(), help="Also write everything to this file.")
def command(
    algorithms: tuple[str, ...],
    pairs: Path,
    data_dir: Path,
    plugins: tuple[Path, ...],
    seed: int,
    json_file: Path | None,
    **encoder: Any,
) -> int:
    """Compare the similarity of codes with human scores of sentence pairs, and with float.

    Each method is fitted on the file's own sentences; a pair's code similarity is the score of the second sentence
    when the first is the query. The exit status is not zero when a method failed.
    """
    from binbench.files import atomic
    from binbench.report.transfer import show_similarity
    from binbench.report.values import as_json
    from binbench.tasks.similarity import pair_similarity

    options.load_plugins(plugins)
    chosen = options.encoder_options(**encoder)
    rows = pair_similarity(pairs, algorithms, chosen, data_dir, seed)
    show_similarity(f"{pairs.name} with {chosen.spec}", rows)
    if json_file:
        with atomic(json_file) as temporary:
            temporary.write_text(json.dumps(as_json(rows), indent=2) + "\n")
    return options.status_of(rows)
