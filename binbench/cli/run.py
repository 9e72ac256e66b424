"""`binbench run`: measure methods on embedding sets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binbench.cli import options
from binbench.errors import UserError

if TYPE_CHECKING:
    from binbench.harness.run import Outcome, Planned
    from binbench.sets.prepare import Preparation

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
    help="Instances, families, globs, all, or a comma-separated list of these; repeatable.",
)
@click.option("--config", type=options.Folder(), help="A campaign file (YAML) instead of the other options.")
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
@click.option("--dry-run", is_flag=True, help="Print what exists, what is stale and what would run; run nothing.")
@click.pass_context
def command(context: click.Context, config: Path | None, dry_run: bool, **chosen: Any) -> int:
    """Measure methods on embedding sets and print a table.

    Sets that are missing are prepared, results that exist are kept, and `float` is run along, because retention
    needs it. The exit status is not zero when a method failed.
    """
    from binbench.harness.run import plan, run
    from binbench.report.table import show

    work = _from_file(context, config, chosen) if config else _from_options(chosen)
    if dry_run:
        _show_plan(plan(*work))
        return 0
    outcome = run(*work)
    show(outcome.records)
    return _status(outcome)


def _from_options(chosen: dict[str, Any]) -> tuple[list[Preparation], tuple[str, ...], Any]:
    from binbench.harness.run import RunOptions

    if not chosen["algorithms"]:
        raise UserError("nothing to run: give --algorithm NAME (see `binbench list algorithms`) or --config FILE")
    options.load_plugins(chosen["plugins"])
    shared = ("datasets", "encoders", "train", "queries", "device", "precision", "max_tokens", "split", "beir_dir")
    mode = chosen["mode"]
    return (
        options.preparations(**{key: chosen[key] for key in (*shared, "data_dir", "seed")}),
        chosen["algorithms"],
        RunOptions(
            counts=(chosen["count"],) if chosen["count"] else (),
            modes=("batch", "single") if mode == "both" else (mode,),
            seeds=(chosen["seed"],),
            **{key: chosen[key] for key in ("runs", "threads", "jobs", "timeout", "memory_limit", "force")},
            **{key: chosen[key] for key in ("results_dir", "plugins")},
        ),
    )


def _from_file(
    context: click.Context, path: Path, chosen: dict[str, Any]
) -> tuple[list[Preparation], tuple[str, ...], Any]:
    from binbench.harness.config import load_campaign

    folders = {"data_dir", "results_dir", "beir_dir", "force", "config", "dry_run"}
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in folders
        and context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise UserError(f"{', '.join(given)} cannot be given beside --config: the file says it all")
    campaign = load_campaign(path, chosen["beir_dir"])
    campaign.store(chosen["results_dir"])
    return (
        campaign.preparations(chosen["data_dir"], chosen["beir_dir"]),
        tuple(campaign.resolved["algorithms"]),
        campaign.options(chosen["results_dir"], chosen["force"]),
    )


def _show_plan(rows: list[tuple[Preparation, list[Planned] | None]]) -> None:
    for preparation, planned in rows:
        if planned is None:
            click.echo(f"{preparation.path.stem}: to be prepared, then everything runs")
            continue
        for one in planned:
            job = one.job
            action = "keep" if one.state == "done" else "run"
            click.echo(
                f"{action:4}  {job.set_name}  {job.instance}  k={job.count}  {job.mode}  seed={job.seed}  ({one.state})"
            )
    jobs = [one for _, planned in rows for one in planned or []]
    click.echo(f"{sum(one.state != 'done' for one in jobs)} of {len(jobs)} jobs to run")


def _status(outcome: Outcome) -> int:
    if not outcome.failures:
        return 0
    names = ", ".join(f"{one.method} on {one.set} ({one.status})" for one in outcome.failures)
    click.echo(f"binbench: {len(outcome.failures)} of {len(outcome.records)} failed: {names}", err=True)
    return 1
