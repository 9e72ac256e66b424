"""`binbench run`: measure methods on embedding sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binbench.cli import options
from binbench.errors import UserError
from binbench.harness.options import RunOptions, shown

if TYPE_CHECKING:
    from binbench.harness.run import Outcome, Planned
    from binbench.sets.prepare import Preparation


@click.command(
    "run",
    epilog=options.examples(
        "run --algorithm float,int8,pq,binary --dataset pydocs",
        "run --algorithm 'int*,int8@mrl32' --train docs.npy --queries queries.npy --mode both",
        "run --config campaign.yml --dry-run",
    ),
)
@click.option(
    "--algorithm",
    "algorithms",
    multiple=True,
    help="Instances, families, globs, all, or a comma-separated list of these; repeatable.",
)
@click.option("--config", type=options.Folder(), help="A campaign file (YAML) instead of the other options.")
@options.preparing
@options.running
@options.clustered
@click.option("--dry-run", is_flag=True, help="Print what exists, what is stale and what would run; run nothing.")
@click.pass_context
def command(context: click.Context, config: Path | None, dry_run: bool, **chosen: Any) -> int:
    """Measure methods on embedding sets and print a table.

    Sets that are missing are prepared, results that exist are kept, and `float` is run along, because retention
    needs it. The exit status is not zero when a method failed.
    """
    from binbench.harness.run import plan, run

    work = _from_file(context, config, chosen) if config else _from_options(chosen)
    if dry_run:
        show_plan(plan(*work))
        return 0
    outcome = run(*work)
    from binbench.report.table import show

    show(outcome.records)
    return _status(outcome)


def _from_options(chosen: dict[str, Any]) -> tuple[list[Preparation], Sequence[str], RunOptions]:
    if not chosen["algorithms"]:
        raise UserError("nothing to run: give --algorithm NAME (see `binbench list algorithms`) or --config FILE")
    options.load_plugins(chosen["plugins"])
    return options.preparations(**chosen), chosen["algorithms"], options.asked(RunOptions, chosen)


def _from_file(
    context: click.Context, path: Path, chosen: dict[str, Any]
) -> tuple[list[Preparation], Sequence[str], RunOptions]:
    from binbench.harness.config import Campaign, load_campaign

    beside = [name for name, field in Campaign.model_fields.items() if not shown(field).in_file]
    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in (*beside, "config", "dry_run", "cluster", "cluster_data", "allow_versions")
        and context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise UserError(f"{', '.join(given)} cannot be given beside --config: the file says it all")
    campaign = load_campaign(path, {name: chosen[name] for name in beside if name in chosen})
    campaign.store()
    return campaign.preparations(), campaign.algorithms, campaign


def show_plan(rows: list[tuple[Preparation, list[Planned] | None]]) -> None:
    for preparation, planned in rows:
        if planned is None:
            changed = preparation.changed()
            why = f"{', '.join(changed)} changed; to be made anew" if changed else "to be prepared"
            click.echo(f"{preparation.path.stem}: {why}, then everything runs")
            continue
        for one in planned:
            job = one.job
            action = "keep" if one.state == "done" else "run"
            seed = "no seed" if job.seed is None else f"seed={job.seed}"
            asked = f"k={job.count}" + (f"  documents={job.documents}" if job.documents else "")
            click.echo(f"{action:4}  {job.set_name}  {job.instance}  {asked}  {job.mode}  {seed}  ({one.state})")
    jobs = [one for _, planned in rows for one in planned or []]
    click.echo(f"{sum(one.state != 'done' for one in jobs)} of {len(jobs)} jobs to run")


def _status(outcome: Outcome) -> int:
    if not outcome.failures:
        return 0
    names = ", ".join(f"{one.method} on {one.set} ({one.status})" for one in outcome.failures)
    click.echo(f"binbench: {len(outcome.failures)} of {len(outcome.records)} failed: {names}", err=True)
    return 1
