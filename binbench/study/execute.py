"""A campaign from beginning to end: tiers in order, kill-switches between them, then the experiments and the report."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from binbench.errors import UserError
from binbench.files import atomic
from binbench.harness.run import Outcome, run
from binbench.provenance import circumstances
from binbench.records.typed import adapter
from binbench.study.corpus_size import measure_subsets
from binbench.study.experiment import experiments, fitting, load, perform
from binbench.study.methods import method_rows, pairs
from binbench.study.rows import hours_by_device, is_device
from binbench.study.study import Study
from binbench.study.switches import Switch, f1, f2, f3, k1, k2, k3, looked_at_again

logger = logging.getLogger("binbench")

State = Literal["waiting", "running", "done", "failed", "stopped"]
LOG = "run.json"
_SIGNS = {"waiting": "·", "running": "▶", "done": "✓", "failed": "✗", "stopped": "■"}


@dataclass
class Step:
    """One tier or experiment.

    Attributes:
        name: ``tier 1`` or ``E1``.
        state: how far it is.
        detail: sets done, the band, or why it failed or stopped.
    """

    name: str
    state: State = "waiting"
    detail: str = ""


@dataclass
class Progress:
    """What a run of a campaign did, stored beside its records.

    Attributes:
        steps: tiers, then experiments.
        failures: one line each.
        despite: kill-switches that had triggered and were overridden.
        provenance: machine, versions, date and command.
    """

    steps: list[Step] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    despite: list[str] = field(default_factory=list)
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether everything that was asked for is there."""
        return not self.failures and all(step.state == "done" for step in self.steps)

    def line(self) -> str:
        """All steps in one line."""
        return "  ".join(
            f"{_SIGNS[step.state]} {step.name}{f' ({step.detail})' if step.detail and len(step.detail) < 30 else ''}"
            for step in self.steps
        )

    def show(self, step: Step, state: State, detail: str = "") -> None:
        """Move `step` to `state` and say so."""
        step.state, step.detail = state, detail
        logger.info("%s", self.line())

    def write(self, folder: Path) -> None:
        """Store it with the circumstances."""
        self.provenance = circumstances()
        with atomic(folder / LOG) as temporary:
            temporary.write_bytes(adapter(Progress).dump_json(self, indent=1) + b"\n")

    @classmethod
    def read(cls, folder: Path) -> Progress:
        """What the last run of a campaign stored in `folder`; nothing where there was none."""
        try:
            found: Progress = adapter(cls).validate_json((folder / LOG).read_bytes())
        except (OSError, ValueError):
            return cls()
        return found


def execute(
    study: Study,
    *,
    despite_kill_switch: bool = False,
    force: bool = False,
    only: Sequence[str] | None = None,
) -> Progress:
    """Run what is missing of the campaign, tier by tier, then every experiment; the same call goes on after a break.

    Args:
        study: the campaign and its folders.
        despite_kill_switch: go on with steps that a triggered kill-switch stops; the report mentions it.
        force: measure anew what exists.
        only: experiments to perform; None for all.

    Raises:
        UserError: interrupted. A set or method that fails costs itself only: see :attr:`Progress.failures`.
    """
    campaign = study.campaign
    numbers = sorted({tier.number for tier in campaign.tiers})
    tiers = {number: Step(f"tier {number}") for number in numbers}
    later = {name: Step(name.upper()) for name in (experiments() if only is None else only)}
    progress = Progress([*tiers.values(), *later.values()])

    def stopped(step: Step) -> bool:
        stops = stopped_by(study, step.name)
        if stops and not despite_kill_switch:
            progress.show(step, "stopped", "; ".join(stops))
            return True
        progress.despite += [stop for stop in stops if stop not in progress.despite]
        return False

    campaign.store(study.folder)
    for number, step in tiers.items():
        if number != numbers[0] and stopped(step):
            continue
        _run_tier(study, number, step, progress, force)
        # What was read of the campaign is out of date.
        study = replace(study)
    _measured("nested subsets", partial(measure_subsets, study, force), progress)
    for name, step in later.items():
        if load(name).exploratory and stopped(step):
            continue
        step.state = "running"
        try:
            progress.show(step, "done", perform(name, study).band.color)
        except UserError as error:
            progress.failures.append(f"{step.name}: {error}")
            progress.show(step, "failed", str(error))
    progress.write(study.folder)
    return progress


def _run_tier(study: Study, number: int, step: Step, progress: Progress, force: bool) -> None:
    campaign = study.campaign
    work = [
        (tier, preparation)
        for tier in campaign.tiers
        if tier.number == number
        for preparation in campaign.preparations(tier, study.data_dir)
    ]
    failed = 0
    for done, (tier, preparation) in enumerate(work):
        progress.show(step, "running", f"{done}/{len(work)} sets")
        measure = partial(run, [preparation], tier.algorithms, campaign.options(study.results_dir, force))
        failed += not _measured(preparation.path.stem, measure, progress)
    progress.show(step, "failed" if failed else "done", f"{len(work) - failed}/{len(work)} sets")


def _measured(what: str, measure: Callable[[], Outcome], progress: Progress) -> bool:
    """Whether `measure` came to an end; what failed goes to `progress`."""
    try:
        outcome = measure()
    except UserError as error:
        if isinstance(error.__context__, KeyboardInterrupt):
            raise
        progress.failures.append(f"{what}: {error}")
        logger.warning("%s: %s", what, error)
        return False
    progress.failures += [f"{r.method} on {r.set}: {r.status}: {r.reason}" for r in outcome.failures]
    return True


def kill_switches(study: Study, before: int | None = None, figures: Callable[[str], Any] | None = None) -> list[Switch]:
    """The switches that what is there decides.

    Args:
        study: the campaign and what is there of it.
        before: look only at the tiers before this one, as the switch does that may stop it; None for all that were run.
        figures: what gives those of an experiment; by default the stored ones, None where there are none that fit.
    """
    found = figures or partial(_found, study)

    def look(until: int | None) -> tuple[Switch, Switch]:
        seen = (lambda row: row.tier < until) if until else (lambda row: True)
        return f1(list(filter(seen, methods))), f2(list(filter(seen, compared)))

    methods, compared = method_rows(study), pairs(study)
    first, now = look(min(tier.number for tier in study.campaign.tiers) + 1), look(before)
    return [
        *(map(looked_at_again, first, now)),
        f3(found("e8")),
        k1(*study.progress(1)),
        k2(found("x3")),
        k3(found("x2")),
    ]


def stopped_by(study: Study, step: str) -> list[str]:
    """Why `step` must not run: triggered switches, and the study's cap of hours on the reference device."""
    study = replace(study)
    before = int(step.removeprefix("tier ")) if step.startswith("tier ") else None
    reasons = [f"{switch.name}: {switch.reason}" for switch in kill_switches(study, before) if step in switch.stops]
    cap, reference = study.campaign.budgets.study_cap, study.campaign.reference_device
    hours = hours_by_device(entry.hours for entry in study.sets)
    spent = sum(value for device, value in hours.items() if is_device(device, reference))
    return [*reasons, f"{spent:.1f} h spent, more than the cap of {cap:g} h"] if spent > cap else reasons


def _found(study: Study, name: str) -> Any:
    """The stored figures of an experiment; None where there are none that fit."""
    found = fitting(name, study) if name in experiments() else None
    return found and found.figures
