"""`binbench recommend`: what to take for so many documents."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from typing import Any

import click

from binbench.cli import options
from binbench.errors import UserError

_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Duration(click.ParamType):
    """Seconds, written such as 5ms or 2h."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|m|h)?", str(value).lower())
        if found is None:
            raise UserError(f"time {value!r}: expected one such as 500us, 5ms, 30s or 2h")
        return float(found[1]) * _SECONDS[found[2] or ""]


@click.command(
    "recommend",
    epilog=options.examples(
        "recommend --documents 10M --memory 1GB --recall 0.9 --train docs.npy --hold-out 1000",
        "recommend --documents 2M --measure ndcg-retention --quality 0.97 --max-latency 5ms --dataset my-folder",
    ),
)
@click.option("--documents", type=options.Number(), required=True, help="How many there will be, such as 10M.")
@click.option("--memory", type=options.Size(), help="At most so much for all of them, such as 1GB.")
@click.option("--recall", type=click.FloatRange(0, 1), help="At least so much recall@10: --quality of that measure.")
@click.option("--measure", default="recall@10", show_default=True, help="What quality is, such as ndcg-retention.")
@click.option("--quality", type=float, help="At least so much of the measure, at the lower end of its interval.")
@click.option("--max-latency", "latency", type=Duration(), help="Per query, asked singly, such as 5ms.")
@click.option("--max-build", "build", type=Duration(), help="To build the index, such as 2h.")
@click.option("--no-training", is_flag=True, help="Only methods that learn nothing from documents.")
@click.option("--no-rescore-store", is_flag=True, help="Only methods without a second copy of the vectors.")
@click.option(
    "--algorithm", "algorithms", multiple=True, help="Methods to choose from, comma-separated. [default: a small zoo]"
)
@click.option("--for", "database", help="Also print the settings of the pick for a vector store, such as qdrant.")
@options.preparing
@options.of(
    options.RunOptions,
    first=("results_dir", "plugins", "seeds"),
    without=("documents", "counts", "modes", "hypotheses", "force"),
)
@click.option("--json", "as_data", is_flag=True, help="Print JSON.")
@click.option("--dry-run", is_flag=True, help="Print what would be measured; run nothing.")
def command(
    recall: float | None,
    measure: str,
    quality: float | None,
    no_training: bool,
    no_rescore_store: bool,
    algorithms: tuple[str, ...],
    database: str | None,
    as_data: bool,
    dry_run: bool,
    **chosen: Any,
) -> int:
    """Say which method fits so many documents into a memory, at a quality and a speed, as measured on your data.

    What is missing is measured first, on nested subsets of the documents. Beyond them quality is extrapolated along
    its trend, with an interval whose lower end has to pass. The exit status is 1 when nothing fits.
    """
    from binbench.harness.run import plan, run
    from binbench.report.databases import known_database, settings_of
    from binbench.report.recommendation import as_json, told
    from binbench.tasks.recommend import Wanted, recommend, work

    if recall is not None and (quality is not None or measure != "recall@10"):
        raise UserError("--recall is --measure recall@10 with --quality; give one of them")
    limits = {name: chosen.pop(name) for name in ("documents", "memory", "latency", "build")}
    wanted = Wanted(
        **limits,
        measure=measure,
        quality=quality if recall is None else recall,
        training=not no_training,
        rescore_store=not no_rescore_store,
    )
    options.load_plugins(chosen["plugins"])
    _ = wanted.base
    if database:
        known_database(database)
    preparations = options.preparations(**chosen)
    if len(preparations) != 1:
        raise UserError(f"a recommendation is about one set, and these options name {len(preparations)}")
    asked = work(preparations[0], options.split_list(algorithms), options.asked(options.RunOptions, chosen), wanted)
    if dry_run:
        from binbench.cli.run import show_plan

        show_plan(plan(*asked))
        return 0
    embeddings = preparations[0].run()
    found = recommend(embeddings, run(*asked).records, wanted)
    there = settings_of(database, found.fitting, embeddings.train.shape[1]) if database else []
    if as_data:
        click.echo(json.dumps(as_json(found) | ({"settings": there} if database else {}), indent=2))
    else:
        width = max(40, shutil.get_terminal_size().columns)
        for line in told(found) + there:
            inset = "  " if line.startswith("  ") else ""
            click.echo(textwrap.fill(line.strip(), width, initial_indent=inset, subsequent_indent=inset + "  "))
    return 0 if found.pick else 1
