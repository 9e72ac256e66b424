"""The kill-switches: pure functions of the figures, and what each of them stops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from binbench.study.prediction import Predictions
from binbench.study.rows import MethodRow, Pair, counting, decided, resting, sized, uncovered, with_recall
from binbench.study.tables import number
from binbench.study.thresholds import (
    F1_RECALL,
    F2_RATIO,
    F3_R2,
    F3_RHO,
    K1_SHARE,
    K2_GAP,
    K2_OLD_POINTS,
    K2_POINTS,
    K3_R2,
    K3_RHO,
    LONGEST_BINARY,
)

State = Literal["triggered", "not triggered", "not applicable"]

#: What stops when a switch triggers: later tiers of a campaign, and the exploratory experiments. K2 and K3 stop what
#: remains of the experiment that they were measured in; F3 stops nothing.
STOPS = {
    "F1": ("tier 2", "tier 3", "X1", "X3"),
    "F2": ("tier 2", "tier 3", "X1", "X3"),
    "K1": ("X1", "X2", "X3", "X4"),
    "K2": ("further configurations of X3",),
    "K3": ("X2 beyond ridge",),
}
RULES = {
    "F1": f"recall@10 at 512 bits < {F1_RECALL} on all datasets and models",
    "F2": f"at equal bytes binary < {F2_RATIO} × PQ on all benchmarks",
    "F3": f"signed ρ < {F3_RHO} and R² < {F3_R2} in E8, on what geometry adds: ideas resting on it are weak hypotheses",
    "K1": f"tier-1 core under {K1_SHARE:.0%} complete",
    "K2": f"the first adapter gains < {K2_POINTS:g} points and closes < {K2_GAP:.0%} of the gap to PQ",
    "K3": f"R² < {K3_R2} and signed ρ < {K3_RHO} after X2's first ridge",
}


class TellsGeometry(Protocol):
    """What the figures of X2 hold: of what geometry adds, by ridge, out of sample."""

    @property
    def r2(self) -> float | None: ...

    @property
    def rho(self) -> float | None: ...


class TellsGain(Protocol):
    """What the figures of X3 hold of the best and of the first configuration, against `binary256`.

    Points of recall@10, and the share of the gap to PQ that they close; None where PQ is not ahead.
    """

    @property
    def gain_points(self) -> float | None: ...

    @property
    def gap_closed(self) -> float | None: ...

    @property
    def first_gain_points(self) -> float | None: ...

    @property
    def first_gap_closed(self) -> float | None: ...


@dataclass(frozen=True)
class Switch:
    """The state of one kill-switch, with the numbers that decided it."""

    name: str
    state: State
    reason: str

    @property
    def rule(self) -> str:
        """When it triggers."""
        return RULES[self.name]

    @property
    def stops(self) -> tuple[str, ...]:
        """The steps that it stops now."""
        return STOPS.get(self.name, ()) if self.state == "triggered" else ()


def exploratory() -> list[str]:
    """The exploratory experiments that switches speak of, whether there are such files yet or not."""
    return sorted({step.lower() for steps in STOPS.values() for step in steps if re.fullmatch(r"X\d+", step)})


def f1(methods: Sequence[MethodRow]) -> Switch:
    """F1 from the rows of methods: is the longest binary code below the bar everywhere?"""
    rows = with_recall(row for row in counting(methods) if row.method == LONGEST_BINARY)
    if missing := uncovered(rows):
        return Switch("F1", "not applicable", f"recall@10 of {LONGEST_BINARY}: {missing}")
    best = max(rows, key=lambda row: row.recall)
    below = sum(row.recall < F1_RECALL for row in rows)
    return Switch(
        "F1",
        "triggered" if below == len(rows) else "not triggered",
        f"recall@10 of {LONGEST_BINARY} is below {F1_RECALL} on {below} of {len(rows)} sets; "
        f"highest {best.recall:.3f} on {best.set}",
    )


def f2(pairs: Sequence[Pair]) -> Switch:
    """F2 from binary against PQ at equal bytes."""
    rows = decided(resting(counting(pairs)))
    if missing := uncovered(pair for pair, _ in rows):
        return Switch("F2", "not applicable", f"binary over PQ at equal bytes: {missing}")
    pair, best = max(rows, key=lambda row: row[1].value)
    below = sum(ratio.value < F2_RATIO for _, ratio in rows)
    return Switch(
        "F2",
        "triggered" if below == len(rows) else "not triggered",
        f"binary is below {F2_RATIO} × PQ in {below} of {len(rows)} comparisons at equal bytes; "
        f"highest ratio {best.value:.2f} at {pair.bytes} bytes on {pair.set}, {sized(pair for pair, _ in rows)}",
    )


def f3(predictions: Predictions | None) -> Switch:
    """F3 from E8's figures: the fit that its band rests on."""
    if predictions is None:
        return Switch("F3", "not applicable", "E8 was not run")
    r2, rho = predictions.r2, predictions.rho
    if r2 is None or rho is None:
        return Switch("F3", "not applicable", predictions.why_not or "E8 has no R² and ρ")
    return Switch(
        "F3",
        "triggered" if rho < F3_RHO and r2 < F3_R2 else "not triggered",
        f"ρ = {rho:.2f} and R² = {r2:.2f} of what geometry adds, {predictions.rows} rows of {predictions.sets} sets",
    )


def k1(asked: int, settled: int) -> Switch:
    """K1 from the number of tier-1 jobs asked for and settled."""
    if not asked:
        return Switch("K1", "not applicable", "the campaign has no tier 1")
    share = settled / asked
    return Switch(
        "K1",
        "triggered" if share < K1_SHARE else "not triggered",
        f"{settled} of {asked} tier-1 jobs are done ({share:.0%})",
    )


def k2(x3: TellsGain | None) -> Switch:
    """K2 from X3's figures: is the first adapter worth no second one?"""
    if x3 is None or x3.first_gain_points is None:
        return Switch("K2", "not applicable", "X3 was not run")
    points, gap = x3.first_gain_points, x3.first_gap_closed
    return Switch(
        "K2",
        "triggered" if points < K2_POINTS and (gap or 0.0) < K2_GAP else "not triggered",
        f"the first adapter gains {points:+.1f} points ({'less' if points < K2_OLD_POINTS else 'not less'} than "
        f"{K2_OLD_POINTS:g}) and closes {number(gap, '.0%')} of the gap to PQ",
    )


def k3(x2: TellsGeometry | None) -> Switch:
    """K3 from X2's figures: does geometry tell nothing?"""
    if x2 is None or x2.r2 is None or x2.rho is None:
        return Switch("K3", "not applicable", "X2 was not run" if x2 is None else "X2 has no R² and ρ")
    return Switch(
        "K3",
        "triggered" if x2.r2 < K3_R2 and x2.rho < K3_RHO else "not triggered",
        f"R² = {x2.r2:.2f} and ρ = {x2.rho:.2f} of what geometry adds",
    )


def looked_at_again(first: Switch, again: Switch) -> Switch:
    """`again`, over every tier, which says so where it lifts what `first` found on tier 1."""
    if first.state != "triggered" or again.state == "triggered":
        return again
    return replace(again, reason=f"{again.reason}; lifts {first.name}, which tier 1 had triggered ({first.reason})")
