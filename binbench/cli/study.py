"""`binbench study`: campaigns, experiments and the report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binbench.cli import options
from binbench.study.experiment import experiments

if TYPE_CHECKING:
    from binbench.study.study import Study

study_dir = click.option(
    "--study-dir",
    type=options.Folder(),
    default="study",
    envvar="BINBENCH_STUDY",
    show_default=True,
    help="Where the study's own files go, a folder for each campaign ($BINBENCH_STUDY).",
)
beir_dir = click.option(
    "--beir-dir", type=options.Folder(), envvar="BINBENCH_BEIR_DIR", help="BEIR collections ($BINBENCH_BEIR_DIR)."
)


def _campaign(function: Callable[..., Any]) -> Callable[..., Any]:
    """What every subcommand takes."""
    for decorate in (options.data_dir, options.results_dir, study_dir, beir_dir, click.argument("campaign")):
        function = decorate(function)
    return function


def _open(campaign: str, data_dir: Path, results_dir: Path, study_dir: Path, beir_dir: Path | None) -> Study:
    from binbench.study.campaign import load_study
    from binbench.study.study import Study

    found = load_study(campaign, beir_dir)
    return Study(found, data_dir, results_dir, found.folder(study_dir))


@click.group("study", epilog=options.examples("study plan offline", "study run offline", "study report offline"))
def command() -> None:
    """Does 1-bit retrieval hold up against PQ and INT8? Experiments E1 to E8 and X1 to X4, bands and kill-switches.

    CAMPAIGN is a shipped one (atlas, phase2, offline, local-beir) or a YAML file. Embedding sets and results that
    exist are used; the study's own files go to --study-dir.
    """


@command.command("run")
@_campaign
@click.option("--despite-kill-switch", is_flag=True, help="Go on with steps that a triggered kill-switch stops.")
@click.option("--force", is_flag=True, help="Measure anew what exists.")
@options.clustered
def run(despite_kill_switch: bool, force: bool, **folders: Any) -> int:
    """Run what is missing of CAMPAIGN in tier order, then the experiments and the report; a killed run goes on."""
    from binbench.study.execute import execute
    from binbench.study.report import write_report

    study = _open(**folders)
    progress = execute(study, despite_kill_switch=despite_kill_switch, force=force)
    for failure in progress.failures:
        click.echo(f"binbench: {failure}", err=True)
    for step in progress.steps:
        if step.state == "stopped":
            click.echo(f"binbench: {step.name} is stopped: {step.detail} (--despite-kill-switch runs it)", err=True)
    if (study.folder / "e1.json").is_file():
        for path in write_report(_open(**folders)):
            click.echo(path)
    return 0 if progress.complete else 1


@command.command("plan")
@_campaign
def plan(**folders: Any) -> None:
    """Print what CAMPAIGN would run: vectors, disk, and hours from measured rates."""
    from binbench.report.render import render
    from binbench.study import plan as planning

    study = _open(**folders)
    click.echo(render(planning.plan_tables(study, planning.plan(study)), "rich"), nl=False)


@command.command("report")
@_campaign
def report(**folders: Any) -> int:
    """Write one document, Markdown and self-contained HTML, from the stored experiments; prints their paths."""
    from binbench.study.report import write_report

    for path in write_report(_open(**folders)):
        click.echo(path)
    return 0


@command.command("publish")
@_campaign
@click.argument("output", type=options.Folder())
def publish(output: Path, **folders: Any) -> int:
    """Write the report of CAMPAIGN into the folder OUTPUT, with all figures and a page for who has to choose.

    What lies there is replaced: README.md, report.md, pictures (SVG), results.parquet, the resolved campaign, and
    sets.json with hashes, versions and the machine. No texts and no vectors go there.
    """
    from binbench.study.publish import publish

    click.echo(publish(_open(**folders), output))
    return 0


def _experiment(name: str, title: str) -> None:
    @command.command(name, help=f"{title}. From what is stored; nothing is run.", short_help=f"{title}.")
    @_campaign
    def perform(**folders: Any) -> None:
        from binbench.report.render import render
        from binbench.study import experiment

        study = _open(**folders)
        found = experiment.perform(name, study)
        click.echo(render(found.tables, "rich"), nl=False)
        click.echo(f"{name.upper()}: {found.band.color}")
        for reason in found.band.reasons:
            click.echo(f"  {reason}")
        for written in (f"{name}.json", *(plot.file for plot in found.plots)):
            click.echo(study.folder / written)


for _found in experiments().values():
    _experiment(_found.id, _found.title)
