"""The study's five questions, answered from bands, switches and figures alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from binbench.study.experiment import Outcomes, outcome
from binbench.study.experiments.e2 import E2
from binbench.study.experiments.e4 import E4
from binbench.study.experiments.e5 import E5
from binbench.study.experiments.e7 import E7
from binbench.study.experiments.e8 import E8
from binbench.study.prediction import SETS_OUT
from binbench.study.rows import MethodRow, by_set, counting, decided, large, sized, with_recall
from binbench.study.scenario import adapter_helps, broken_baseline, lacking, stopping, unsound
from binbench.study.switches import Switch
from binbench.study.tables import number
from binbench.study.thresholds import (
    GREEN_RATIO,
    GREEN_RECALL,
    K2_GAP,
    K2_POINTS,
    LONG_BITS,
    YELLOW_R2,
    YELLOW_RATIO,
    YELLOW_RECALL,
)

Answer = Literal["yes", "no", "not known", "stopped"]


@dataclass(frozen=True)
class Question:
    """One of the five questions with its answer and the numbers."""

    text: str
    answer: Answer
    numbers: str


def questions(outcomes: Outcomes, switches: Sequence[Switch]) -> list[Question]:
    """The five questions in order."""
    yellow, green = "Is the result yellow on one meaningful setting?", "Is it green on one?"
    return [
        _clean(outcomes, switches),
        _reaching(outcomes, yellow, YELLOW_RECALL, YELLOW_RATIO),
        _reaching(outcomes, green, GREEN_RECALL, GREEN_RATIO),
        _adapters(outcomes, switches),
        _geometry(outcomes, switches),
    ]


def competitive(outcomes: Outcomes, switches: Sequence[Switch], answers: Sequence[Question]) -> bool | None:
    """Whether one of the second to fourth question is answered with yes; None where no sound results decide that."""
    decisive = {answer.answer for answer in answers[1:4]}
    if unsound(outcomes, switches) or lacking(outcomes):
        return None
    return True if "yes" in decisive else False if decisive == {"no"} else None


def falling(rows: Iterable[MethodRow]) -> list[str]:
    """Steps to a longer code of `binary` at which recall@10 falls, as text."""
    swept = sorted((row for row in rows if row.family == "binary"), key=lambda row: row.bytes_per_vector)
    return [
        f"{name}: {short.method} {short.recall:.3f}, {long.method} {long.recall:.3f}"
        for name, own in by_set(with_recall(swept)).items()
        for short, long in itertools.pairwise(own)
        if long.recall < short.recall
    ]


def _clean(outcomes: Outcomes, switches: Sequence[Switch]) -> Question:
    text = "Are the curves clean?"
    e2, e4, e5 = outcome(outcomes, E2), outcome(outcomes, E4), outcome(outcomes, E5)
    if e2 is None or e4 is None or e5 is None:
        return Question(text, "not known", "E2, E4 and E5 are all needed")
    binary = [row for row in counting(e5.figures.methods) if row.family == "binary"]
    falls, swept = falling(binary), len(by_set(binary))
    found = [row.intervals["recall@10"] for row in binary]
    widths = [one.high - one.value for one in found if one is not None and one.high is not None]
    codes, sets = e2.figures.codes, e4.figures.sets
    numbers = (
        f"recall@10 falls with longer codes at {len(falls)} steps of {swept} sweeps"
        + (f" ({'; '.join(falls)})" if falls else "")
        + f"; {sum(row.reproduced for row in codes)} of {len(codes)} code sets reproduced in a second process; "
        f"{sum(row.agreeing for row in sets)} of {sum(row.checked for row in sets)} held-out queries confirm the "
        "ground truth" + (f"; the widest upper half of a 95 % interval is {max(widths):.3f}" if widths else "")
    )
    if faults := unsound(outcomes, switches):
        numbers += f"; {'; '.join(faults)}"
    if not swept:
        return Question(text, "not known", numbers)
    return Question(text, "no" if falls or faults else "yes", numbers)


def _reaching(outcomes: Outcomes, text: str, recall: float, ratio: float) -> Question:
    """Is there one set where a long code reaches both bars?"""
    e5 = outcome(outcomes, E5)
    compared = decided(large(counting(e5.figures.iso)) if e5 else ())
    pairs = [(pair, found.value) for pair, found in compared if pair.bits in LONG_BITS]
    if not pairs:
        return Question(text, "not known", "no comparison of binary-256/512 with PQ at equal bytes")
    reaching = [(pair, found) for pair, found in pairs if pair.binary >= recall and found >= ratio]
    best, share = max(reaching or pairs, key=lambda one: one[0].binary)
    counts = {
        encoder: [sum(pair.encoder == encoder for pair, _ in some) for some in (reaching, pairs)]
        for encoder in dict.fromkeys(pair.encoder for pair, _ in pairs)
    }
    numbers = (
        f"{len(reaching)} of {len(pairs)} settings at 256 and 512 bits reach recall@10 >= {recall} and "
        f">= {ratio} × PQ; {'the best of them' if reaching else 'the highest recall'} is {best.binary:.3f} on "
        f"{best.set} at {best.bits} bits, {share:.2f} × PQ; by encoder: "
        + ", ".join(f"{encoder} {some} of {all_}" for encoder, (some, all_) in counts.items())
        + f"; {sized(pair for pair, _ in pairs)}"
    )
    if faults := broken_baseline(outcomes):
        return Question(text, "not known", f"{'; '.join(faults)}; {numbers}")
    return Question(text, "yes" if reaching else "no", numbers)


def _adapters(outcomes: Outcomes, switches: Sequence[Switch]) -> Question:
    text, x3 = "Do adapters help?", outcomes.get("x3")
    helps = adapter_helps(x3)
    if x3 is None or helps is None:
        if by := stopping("X3", switches):
            return Question(text, "stopped", f"X3 was stopped by {', '.join(by)}, which is no negative result")
        return Question(text, "not known", "X3 was not run")
    gap = x3.figures.gap_closed
    closed = "where PQ is not ahead" if gap is None else f"{gap:.0%} of the gap to PQ closed"
    numbers = f"{x3.figures.gain_points:+.1f} points at 256 bits, {closed}"
    if helps or (x3.figures.gain_points < K2_POINTS and (x3.figures.gap_closed or 0.0) < K2_GAP):
        return Question(text, "yes" if helps else "no", numbers)
    return Question(text, "not known", f"between the bands: {numbers}")


def _geometry(outcomes: Outcomes, switches: Sequence[Switch]) -> Question:
    """Geometry matters where X2 finds that it adds to what the code's length tells; E8 and E7 stand beside."""
    text, x2, found = "Does geometry matter?", outcomes.get("x2"), []
    if e8 := outcome(outcomes, E8):
        shown = [
            f"{fit.features} {fit.r2.value:.2f}"
            for fit in e8.figures.fits
            if fit.r2 and fit.model == "ridge" and fit.folds == SETS_OUT
        ]
        found.append(f"E8: R² of sets left out: {', '.join(shown)}" if shown else f"E8: {e8.figures.why_not}")
    if (e7 := outcome(outcomes, E7)) and (strongest := e7.figures.relation.strongest):
        relation = e7.figures.relation
        found.append(
            f"E7: the closest diagnostic is {strongest} (ρ = {relation.rho[strongest]:+.2f}, "
            f"p = {number(relation.p_value)} corrected for all)"
        )
    if x2 is None or x2.figures.r2 is None:
        by = stopping("X2", switches)
        said = f"X2 was stopped by {', '.join(by)}" if by else "X2 was not run" if x2 is None else "X2 has no R²"
        return Question(text, "stopped" if by else "not known", "; ".join([said, *found]))
    found.insert(0, f"X2: R² = {x2.figures.r2:.2f} of what geometry adds")
    return Question(text, "yes" if x2.figures.r2 > YELLOW_R2 else "no", "; ".join(found))
