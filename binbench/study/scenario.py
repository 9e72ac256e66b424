"""The study's overall verdict, from bands, switches and figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from binbench.study.experiment import Outcome, Outcomes
from binbench.study.experiments.e2 import E2
from binbench.study.experiments.e3 import E3
from binbench.study.experiments.e4 import E4
from binbench.study.experiments.e5 import E5
from binbench.study.experiments.e6 import E6
from binbench.study.switches import State, Switch, TellsGain, TellsGeometry
from binbench.study.thresholds import GREEN_R2, X3_GAP, X3_POINTS

Scenario = Literal["GREEN", "YELLOW", "RED-A", "RED-B", "undetermined"]

#: What recall is measured with, and what binary is measured against.
INSTRUMENTS, BASELINES = (E2.id, E4.id), (E3.id, E6.id)


@dataclass(frozen=True)
class Verdict:
    """The scenario, with what decided it."""

    scenario: Scenario
    reasons: list[str]


def scenario(outcomes: Outcomes, switches: Sequence[Switch]) -> Verdict:
    """Which of the study's scenarios holds."""
    if faults := unsound(outcomes, switches):
        return Verdict("RED-B", faults)
    if gaps := lacking(outcomes):
        return Verdict("undetermined", gaps)
    e5, state = outcomes[E5.id].band, {switch.name: switch.state for switch in switches}
    geometry, adapter = geometry_helps(outcomes.get("x2")), adapter_helps(outcomes.get("x3"))
    known = f"X2 {_shown(geometry, 'X2', switches)}, X3 {_shown(adapter, 'X3', switches)}"
    failed = [f"{one.name}: {one.reason}" for one in switches if one.name in ("F1", "F2") and one.state == "triggered"]
    if failed:
        if state.get("K2") == state.get("K3") == "triggered":
            return Verdict("RED-A", [*failed, known])
        silent = ", ".join(f"{name} is {_state(state, name)}" for name in ("K2", "K3"))
        return Verdict("undetermined", [*failed, f"RED-A also needs K2 and K3 to have triggered: {silent}; {known}"])
    if e5.color == "green" and geometry and adapter:
        return Verdict("GREEN", [*e5.reasons, known])
    undecided = [f"{name} is not decided" for name in ("F1", "F2") if _state(state, name) == "not applicable"]
    if e5.color in ("green", "yellow") and not undecided and None not in (geometry, adapter):
        return Verdict("YELLOW", [*e5.reasons, known])
    return Verdict("undetermined", [f"E5 is {e5.color}; {known}", *undecided])


def unsound(outcomes: Outcomes, switches: Sequence[Switch]) -> list[str]:
    """Why no verdict can rest on these results: incomplete, noisy, or a broken baseline; empty where they are sound."""
    found = broken_baseline(outcomes)
    found += [f"incomplete: {one.reason}" for one in switches if one.name == "K1" and one.state == "triggered"]
    return found + _reds(outcomes, INSTRUMENTS)


def broken_baseline(outcomes: Outcomes) -> list[str]:
    """Why PQ, as it was run, is nothing to measure binary against; empty where it is."""
    return [f"the PQ baseline is broken: {red}" for red in _reds(outcomes, BASELINES)]


def lacking(outcomes: Outcomes) -> list[str]:
    """What a verdict needs and is not there; an instrument without a band has measured too little."""
    needed = (*INSTRUMENTS, *BASELINES, E5.id)
    return [f"{name.upper()} was not run" for name in needed if name not in outcomes] + [
        f"{name.upper()} has no band: {'; '.join(outcomes[name].band.reasons)}"
        for name in INSTRUMENTS
        if name in outcomes and outcomes[name].band.color == "not applicable"
    ]


def geometry_helps(x2: Outcome[TellsGeometry] | None) -> bool | None:
    """X2's R² above the bar; None where it was not measured."""
    return None if x2 is None or x2.figures.r2 is None else x2.figures.r2 > GREEN_R2


def adapter_helps(x3: Outcome[TellsGain] | None) -> bool | None:
    """X3's gain in points, or the share of the gap to PQ closed; None where it was not measured."""
    if x3 is None or x3.figures.gain_points is None:
        return None
    return x3.figures.gain_points >= X3_POINTS or (x3.figures.gap_closed or 0) >= X3_GAP


def stopping(step: str, switches: Sequence[Switch]) -> list[str]:
    """The switches that stop `step` now."""
    return [switch.name for switch in switches if step in switch.stops]


def _reds(outcomes: Outcomes, names: Sequence[str]) -> list[str]:
    red = [(name, outcomes[name].band) for name in names if name in outcomes and outcomes[name].band.color == "red"]
    return [f"{name.upper()} is red: {'; '.join(band.reasons)}" for name, band in red]


def _state(states: Mapping[str, State], name: str) -> State:
    return states.get(name, "not applicable")


def _shown(helps: bool | None, name: str, switches: Sequence[Switch]) -> str:
    if helps is None:
        return f"stopped by {', '.join(by)}" if (by := stopping(name, switches)) else "not run"
    return "positive" if helps else "negative"
