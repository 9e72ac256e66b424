"""The study's overall verdict, from bands, switches and figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from binbench.study.experiment import Outcome, Outcomes, outcome
from binbench.study.experiments.e2 import E2
from binbench.study.experiments.e4 import E4
from binbench.study.experiments.e5 import E5
from binbench.study.switches import Switch
from binbench.study.thresholds import GREEN_R2, X3_GAP, X3_POINTS

Scenario = Literal["GREEN", "YELLOW", "RED-A", "RED-B", "undetermined"]


class TellsGeometry(Protocol):
    """What the figures of X2 hold."""

    @property
    def r2(self) -> float | None: ...


class TellsGain(Protocol):
    """What the figures of X3 hold: points of recall@10 at 256 bits, and the share of the gap to PQ that they close."""

    @property
    def gain_points(self) -> float | None: ...

    @property
    def gap_closed(self) -> float | None: ...


@dataclass(frozen=True)
class Verdict:
    """The scenario, with what decided it."""

    scenario: Scenario
    reasons: list[str]


def scenario(outcomes: Outcomes, switches: Sequence[Switch]) -> Verdict:
    """Which of the study's scenarios holds."""
    state = {switch.name: switch.state for switch in switches}
    if faults := unsound(outcomes, switches):
        return Verdict("RED-B", faults)
    geometry, adapter = geometry_helps(outcomes.get("x2")), adapter_helps(outcomes.get("x3"))
    failed = [switch for switch in switches if switch.name in ("F1", "F2") and switch.state == "triggered"]
    stopped = {step for switch in switches for step in switch.stops}
    known = f"X2 {_shown(geometry, 'X2', stopped)}, X3 {_shown(adapter, 'X3', stopped)}"
    if failed:
        reasons = [f"{switch.name}: {switch.reason}" for switch in failed]
        if _negative(geometry, "X2", stopped) and _negative(adapter, "X3", stopped):
            return Verdict("RED-A", [*reasons, known])
        return Verdict("undetermined", [*reasons, f"RED-A also needs X2 and X3 to be negative: {known}"])
    e5 = outcome(outcomes, E5)
    if e5 is None:
        return Verdict("undetermined", ["E5 was not run"])
    if e5.band.color == "green" and geometry and adapter:
        return Verdict("GREEN", [*e5.band.reasons, known])
    undecided = [name for name in ("F1", "F2") if state.get(name, "not applicable") == "not applicable"]
    if e5.band.color == "yellow" and not undecided and (geometry is False or adapter is False):
        return Verdict("YELLOW", [*e5.band.reasons, known])
    return Verdict("undetermined", [f"E5 is {e5.band.color}; {known}", *(f"{n} is not decided" for n in undecided)])


def unsound(outcomes: Outcomes, switches: Sequence[Switch]) -> list[str]:
    """Why the results are incomplete or noisy; empty where they are neither."""
    found = [f"incomplete: {one.reason}" for one in switches if one.name == "K1" and one.state == "triggered"]
    for name in (E2.id, E4.id):
        if name in outcomes and outcomes[name].band.color == "red":
            found += [f"{name.upper()}: {reason}" for reason in outcomes[name].band.reasons]
    return found


def geometry_helps(x2: Outcome[TellsGeometry] | None) -> bool | None:
    """X2's R² above the bar; None where X2 was not run."""
    return None if x2 is None or x2.figures.r2 is None else x2.figures.r2 > GREEN_R2


def adapter_helps(x3: Outcome[TellsGain] | None) -> bool | None:
    """X3's gain in points, or the share of the gap to PQ closed; None where X3 was not run."""
    if x3 is None or x3.figures.gain_points is None:
        return None
    return x3.figures.gain_points >= X3_POINTS or (x3.figures.gap_closed or 0) >= X3_GAP


def _negative(helps: bool | None, name: str, stopped: set[str]) -> bool:
    return helps is False or (helps is None and name in stopped)


def _shown(helps: bool | None, name: str, stopped: set[str]) -> str:
    if helps is None:
        return "stopped by a kill-switch" if name in stopped else "not run"
    return "positive" if helps else "negative"
