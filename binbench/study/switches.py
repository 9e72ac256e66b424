"""The kill-switches: pure functions of the figures, and what each of them stops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from binbench.study.prediction import Predictions
from binbench.study.rows import MethodRow, Pair, decided, uncovered, with_recall
from binbench.study.thresholds import F1_RECALL, F2_RATIO, F3_R2, F3_RHO, K1_SHARE, LONGEST_BINARY

State = Literal["triggered", "not triggered", "not applicable"]

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
    def rule(self) -> str:
        """When it triggers."""
        return RULES[self.name]

    @property
    def stops(self) -> tuple[str, ...]:
        """The steps that it stops now."""
        return STOPS[self.name] if self.state == "triggered" else ()


def exploratory() -> list[str]:
    """The exploratory experiments that switches speak of, whether there are such files yet or not."""
    return sorted({step.lower() for steps in STOPS.values() for step in steps if step.startswith("X")})


def f1(methods: Sequence[MethodRow]) -> Switch:
    """F1 from the rows of methods: is the longest binary code below the bar everywhere?"""
    rows = with_recall(row for row in methods if row.method == LONGEST_BINARY)
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
    rows = decided(pairs)
    if missing := uncovered(pair for pair, _ in rows):
        return Switch("F2", "not applicable", f"binary over PQ at equal bytes: {missing}")
    pair, best = max(rows, key=lambda row: row[1].value)
    below = sum(ratio.value < F2_RATIO for _, ratio in rows)
    return Switch(
        "F2",
        "triggered" if below == len(rows) else "not triggered",
        f"binary is below {F2_RATIO} × PQ in {below} of {len(rows)} comparisons at equal bytes; "
        f"highest ratio {best.value:.2f} at {pair.bytes} bytes on {pair.set}",
    )


def f3(predictions: Predictions | None) -> Switch:
    """F3 from E8's figures: the fit that its band rests on."""
    if predictions is None:
        return Switch("F3", "not applicable", "E8 was not run")
    fit = predictions.decisive
    if fit is None or fit.r2 is None or fit.rho is None:
        return Switch("F3", "not applicable", predictions.why_not or "E8 has no R² and ρ")
    r2, rho = fit.r2.value, fit.rho.value
    return Switch(
        "F3",
        "triggered" if abs(rho) < F3_RHO and r2 < F3_R2 else "not triggered",
        f"ρ = {rho:.2f} and R² = {r2:.2f} with n = {predictions.rows} rows of {predictions.sets} sets",
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
