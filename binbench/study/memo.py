"""The five sections of X4's memo, each from figures of the records alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from binbench.study.experiment import Outcome, Outcomes, outcome
from binbench.study.experiments.x1 import DECIDES, X1, FriendlySets
from binbench.study.experiments.x2 import X2, GeometryPredicts
from binbench.study.experiments.x3 import X3, Gain, Gains
from binbench.study.regimes import RECALLS, choose, means
from binbench.study.rows import MethodRow, counting, with_recall
from binbench.study.scenario import Scenario, Verdict, scenario, stopping
from binbench.study.switches import Switch
from binbench.study.tables import estimate, mark
from binbench.study.thresholds import GREEN_RECALL, X3_BITS, YELLOW_RECALL

#: RQ4's question: so many documents in so much memory.
DOCUMENTS, GIGABYTES = 10_000_000, 1.0
#: What to do next, the first first, by the scenario.
NEXT: dict[Scenario, tuple[str, ...]] = {
    "GREEN": ("quantization-aware training of one encoder",),
    "YELLOW": ("one probe of at most 20 device-hours", "two-stage codes", "OPQ"),
    "RED-A": ("a post-mortem", "a pivot to PQ and OPQ", "two-stage codes"),
    "RED-B": ("repair of what is broken", "the campaign again"),
    "undetermined": ("what is missing is measured",),
}
#: Families that speak for or against what is to be done next.
BESIDE = {"OPQ": "opq", "two-stage codes": "binary-rescore-int8"}


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of the memo.

    Attributes:
        record: what it rests on.
        figures: how many numbers of the record it holds.
        says: its sentences.
        stopped: the switch that stopped it or found nothing, with its figure; empty where none did.
    """

    title: str
    record: str
    figures: int
    says: tuple[str, ...]
    stopped: str = ""

    @property
    def empty(self) -> bool:
        """Whether it holds no number and names no switch."""
        return not self.figures and not self.stopped


def sections(outcomes: Outcomes, switches: Sequence[Switch], methods: Sequence[MethodRow]) -> list[Section]:
    """The memo, in the plan's order."""
    x1, x2, x3 = outcome(outcomes, X1), outcome(outcomes, X2), outcome(outcomes, X3)
    verdict = scenario(outcomes, switches)
    return [
        _section("Thresholds of the Binary Friendliness Index", "X1", _index(x1) if x1 else (), switches),
        _section("Rules from geometry", "X2", _geometry(x2) if x2 else (), switches, found=("K3", "F3")),
        _section("Adapter baseline", "X3", _adapters(x3) if x3 else (), switches, found=("K2",)),
        _section("Operating regimes", "results", _regimes(methods), switches),
        _section(f"Next, as the scenario is {verdict.scenario}", "scenario", _next(verdict, methods), switches),
    ]


def _section(
    title: str, record: str, says: Sequence[str] | Iterator[str], switches: Sequence[Switch], found: Sequence[str] = ()
) -> Section:
    """The switches that stop `record`, and those of `found` that its figures triggered, make a section negative."""
    kept = tuple(says)
    triggered = [
        *stopping(record, switches),
        *(one.name for one in switches if one.name in found and one.state == "triggered"),
    ]
    reasons = {one.name: one.reason for one in switches}
    return Section(
        title=title,
        record=record,
        figures=len(kept),
        says=kept or (f"{record} was stopped" if triggered else f"{record} was not run",),
        stopped="; ".join(f"{name}: {reasons[name]}" for name in dict.fromkeys(triggered)),
    )


def _index(x1: Outcome[FriendlySets]) -> Iterator[str]:
    rows = [(row.index.value, known) for row in counting(x1.figures.sets) if (known := row.beside[DECIDES]) is not None]
    for bar in (YELLOW_RECALL, GREEN_RECALL):
        above, below = ([index for index, recall in rows if (recall >= bar) == wanted] for wanted in (True, False))
        if above and below:
            clear = "so that no set contradicts it" if min(above) > max(below) else "so that the two overlap"
            said = f"from an index of {min(above):.3f}, and others have one of at most {max(below):.3f}, {clear}"
        elif rows:
            said = f"on {'all' if above else 'none'} of {len(rows)} sets, so that the index has no threshold"
        else:
            continue
        yield f"{DECIDES} ≥ {bar} is reached {said}"
    if x1.figures.agreements and (tau := x1.figures.agreements[0].tau) is not None:
        yield f"the index orders {x1.figures.agreements[0].n} sets at τ = {tau:.2f}: {x1.band.color}"


def _geometry(x2: Outcome[GeometryPredicts]) -> Iterator[str]:
    if x2.figures.r2 is not None and x2.figures.rho is not None:
        yield f"geometry adds R² = {x2.figures.r2:.2f} at ρ = {x2.figures.rho:.2f}: {x2.band.color}"
    for one in x2.figures.coefficients:
        if one.interpretable:
            what = f"one standard deviation more {one.diagnostic} goes with {one.weight:+.3f} of recall@10"
            yield f"{what}; the sign holds in {one.same_sign:.0%} of resampled sets"


def _adapters(x3: Outcome[Gains]) -> Iterator[str]:
    for row in x3.figures.deciding:
        yield (
            f"{row.method} reaches {row.after:.3f} on {row.set} where binary{row.bits} has "
            f"{row.before:.3f}: {estimate(row.difference, '+.3f')}, {_gap(row)}; "
            f"{estimate(row.useful, '+.3f')} over {row.alternative or 'no untrained rule'}"
        )
    better = [row for row in x3.figures.rows if row.bits == X3_BITS and row.useful and (row.useful.low or 0) > 0]
    if better:
        sets = sorted({row.set for row in better})
        yield f"better than the best untrained rule at {X3_BITS} bits, interval considered, on {len(sets)} sets"


def _gap(row: Gain) -> str:
    return "PQ is not ahead" if row.gap is None else f"{row.gap:.0%} of the gap to PQ"


def _regimes(methods: Sequence[MethodRow]) -> Iterator[str]:
    for encoder in dict.fromkeys(row.encoder for row in counting(methods)):
        rows = means(methods, encoder)
        for recall in RECALLS:
            if found := choose(rows, DOCUMENTS, GIGABYTES, recall):
                yield (
                    f"{encoder}, {DOCUMENTS:,} documents in {GIGABYTES:g} GB, recall@10 ≥ {recall}: {found.method}, "
                    f"{found.bytes_per_vector:g} bytes, {found.lowest:.2f} on its worst set{mark(found)}"
                )


def _next(verdict: Verdict, methods: Sequence[MethodRow]) -> Iterator[str]:
    for i, step in enumerate(NEXT[verdict.scenario]):
        about = [row for row in with_recall(counting(methods)) if row.family == BESIDE.get(step, "")]
        best = max(about, key=lambda row: row.recall, default=None)
        shown = f" (measured: {best.method} up to {best.recall:.3f}, on {best.set}{mark(best)})" if best else ""
        why = f", because {'; '.join(verdict.reasons)}" if i == 0 and verdict.reasons else ""
        yield f"{i + 1}. {step}{shown}{why}"
