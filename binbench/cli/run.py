"""`binbench run`: measure methods on embedding sets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from binbench.cli import options
from binbench.errors import UserError

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


class Size(click.ParamType):
    """Bytes, with an optional K, M or G."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", str(value), re.IGNORECASE)
        if match is None:
            raise UserError(f"size {value!r} is not a number of bytes such as 500M or 2G")
        return int(float(match[1]) * _UNITS[match[2].upper()])


@click.command("run")
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    required=True,
    help="Instances, families, globs, all, or a comma-separated list of these; repeatable.",
)
@options.preparing
@options.results_dir
@options.plugins
@options.seed
@click.option("--count", type=click.IntRange(1), help="Neighbours per query. [default: 100]")
@click.option("--mode", type=click.Choice(["batch", "single", "both"]), default="batch", show_default=True)
@click.option("--runs", type=click.IntRange(1), default=5, show_default=True, help="Timed repeats.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="For every numeric library.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Jobs at the same time.")
@click.option(
    "--timeout", type=click.FloatRange(0, min_open=True), default=3600, show_default=True, help="Seconds a job."
)
@click.option("--memory-limit", type=Size(), help="Per job, such as 2G.")
@click.option("--force", is_flag=True, help="Measure anew what exists.")
def command(
    algorithms: tuple[str, ...],
    plugins: tuple[Path, ...],
    results_dir: Path,
    seed: int,
    count: int | None,
    mode: str,
    runs: int,
    threads: int,
    jobs: int,
    timeout: float,
    memory_limit: int | None,
    force: bool,
    **chosen: Any,
) -> int:
    """Measure methods on embedding sets and print a table.

    Sets that are missing are prepared, results that exist are kept, and `float` is run along, because retention
    needs it. The exit status is not zero when a method failed.
    """
    from binbench.harness.run import RunOptions, run
    from binbench.registry import ALGORITHMS
    from binbench.report.table import show

    for plugin in plugins:
        ALGORITHMS.load_file(plugin)
    outcome = run(
        options.preparations(seed=seed, **chosen),
        algorithms,
        RunOptions(
            count=count,
            modes=("batch", "single") if mode == "both" else (mode,),  # type: ignore[arg-type]
            seeds=(seed,),
            runs=runs,
            threads=threads,
            jobs=jobs,
            timeout=timeout,
            memory_limit=memory_limit,
            force=force,
            results_dir=results_dir,
            plugins=plugins,
        ),
    )
    show(outcome.results, outcome.sets)
    if outcome.failures:
        names = ", ".join(f"{r['name']} on {r['dataset']} ({r.status})" for r in outcome.failures)
        click.echo(f"binbench: {len(outcome.failures)} of {len(outcome.results)} failed: {names}", err=True)
        return 1
    return 0
