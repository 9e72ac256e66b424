"""The kill-switches: pure functions of the figures, and what each of them stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from binbench.study.experiment import Figures, uncovered

State = Literal["triggered", "not triggered", "not applicable"]
Row = dict[str, Any]

F1_RECALL = 0.55
F2_RATIO = 0.5
F3_RHO, F3_R2 = 0.3, 0.1
K1_SHARE = 0.8

#: What stops when a switch triggers: later tiers of a campaign, and the exploratory experiments.
STOPS = {
    "F1": ("tier 2", "tier 3", "X1", "X3"),
    "F2": ("tier 2", "tier 3", "X1", "X3"),
    "F3": ("X2",),
    "K1": ("X1", "X2", "X3", "X4"),
}
RULES = {
    "F1": f"recall@10 at 512 bits < {F1_RECALL} on all datasets and models",
    "F2": f"at equal bytes binary < {F2_RATIO} × PQ on all benchmarks",
    "F3": f"|ρ| < {F3_RHO} and R² < {F3_R2} in E8",
    "K1": f"tier-1 core under {K1_SHARE:.0%} complete",
}


@dataclass(frozen=True)
class Switch:
    """The state of one kill-switch, with the numbers that decided it."""

    name: str
    state: State
    reason: str

    @property
    def stops(self) -> tuple[str, ...]:
        """The steps that it stops now."""
        return STOPS[self.name] if self.state == "triggered" else ()


def f1(methods: Sequence[Row]) -> Switch:
    """F1 from E5's rows of methods: is `binary512` below the bar everywhere?"""
    rows = [row for row in methods if row["method"] == "binary512" and row["recall@10"] is not None]
    if missing := uncovered(rows):
        return Switch("F1", "not applicable", f"recall@10 of binary512: {missing}")
    best = max(rows, key=lambda row: row["recall@10"])
    below = sum(row["recall@10"] < F1_RECALL for row in rows)
    return Switch(
        "F1",
        "triggered" if below == len(rows) else "not triggered",
        f"recall@10 of binary512 is below {F1_RECALL} on {below} of {len(rows)} sets; "
        f"highest {best['recall@10']:.3f} on {best['set']}",
    )


def f2(pairs: Sequence[Row]) -> Switch:
    """F2 from E5's iso-memory rows."""
    rows = [row for row in pairs if row["ratio"] and row["ratio"][0] is not None]
    if missing := uncovered(rows):
        return Switch("F2", "not applicable", f"binary over PQ at equal bytes: {missing}")
    best = max(rows, key=lambda row: row["ratio"][0])
    below = sum(row["ratio"][0] < F2_RATIO for row in rows)
    return Switch(
        "F2",
        "triggered" if below == len(rows) else "not triggered",
        f"binary is below {F2_RATIO} × PQ in {below} of {len(rows)} comparisons at equal bytes; "
        f"highest ratio {best['ratio'][0]:.2f} at {best['bytes']} bytes on {best['set']}",
    )


def f3(figures: Figures) -> Switch:
    """F3 from E8's figures: those of the model and the folds that its band rests on."""
    fit = figures.get("decisive")
    if not fit or fit["r2"] is None or fit["rho"] is None:
        return Switch("F3", "not applicable", figures.get("why_not") or "E8 has no R² and ρ")
    dead = abs(fit["rho"]) < F3_RHO and fit["r2"] < F3_R2
    return Switch(
        "F3",
        "triggered" if dead else "not triggered",
        f"ρ = {fit['rho']:.2f} and R² = {fit['r2']:.2f} with n = {figures['rows']} rows of {figures['sets']} sets",
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
