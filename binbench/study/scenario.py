"""The study's overall verdict and its five questions, answered from bands, switches and figures alone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from binbench.study.e5 import GREEN_RATIO, GREEN_RECALL, YELLOW_RATIO, YELLOW_RECALL
from binbench.study.experiment import Band, Record, number
from binbench.study.switches import Switch

Scenario = Literal["GREEN", "YELLOW", "RED-A", "RED-B", "undetermined"]
Answer = Literal["yes", "no", "not known"]

X2_R2 = 0.3
X3_POINTS, X3_GAP = 3.0, 0.15


@dataclass(frozen=True)
class Verdict:
    """The scenario, with what decided it."""

    scenario: Scenario
    reasons: list[str]


@dataclass(frozen=True)
class Question:
    """One of the five questions with its answer and the numbers."""

    text: str
    answer: Answer
    numbers: str


def scenario(records: Mapping[str, Record], switches: Sequence[Switch]) -> Verdict:
    """Which of the study's scenarios holds.

    Args:
        records: experiments by id (``e1`` … ``e8``, and ``x2``, ``x3`` where they were run).
        switches: the kill-switches.
    """
    state = {switch.name: switch for switch in switches}
    e5, x2, x3 = records.get("e5"), records.get("x2"), records.get("x3")
    unsound = _unsound(records, state)
    if unsound:
        return Verdict("RED-B", unsound)
    geometry, adapter = _geometry_helps(x2), _adapter_helps(x3)
    failed = [state[name] for name in ("F1", "F2") if name in state and state[name].state == "triggered"]
    stopped = {step for switch in switches for step in switch.stops}
    known = f"X2 {_shown(geometry, 'X2', stopped)}, X3 {_shown(adapter, 'X3', stopped)}"
    if failed:
        reasons = [f"{switch.name}: {switch.reason}" for switch in failed]
        negative = [
            value is False or (value is None and name in stopped) for name, value in (("X2", geometry), ("X3", adapter))
        ]
        if all(negative):
            return Verdict("RED-A", [*reasons, known])
        return Verdict("undetermined", [*reasons, f"RED-A also needs X2 and X3 to be negative: {known}"])
    if e5 is None:
        return Verdict("undetermined", ["E5 was not run"])
    if e5.band.colour == "green" and geometry and adapter:
        return Verdict("GREEN", [*e5.band.reasons, known])
    undecided = [name for name in ("F1", "F2") if name not in state or state[name].state == "not applicable"]
    if e5.band.colour == "yellow" and not undecided and (geometry is False or adapter is False):
        return Verdict("YELLOW", [*e5.band.reasons, known])
    return Verdict("undetermined", [f"E5 is {e5.band.colour}; {known}", *(f"{n} is not decided" for n in undecided)])


def _unsound(records: Mapping[str, Record], state: Mapping[str, Switch]) -> list[str]:
    """Why the results are incomplete or noisy; empty where they are neither."""
    found = []
    if "K1" in state and state["K1"].state == "triggered":
        found.append(f"incomplete: {state['K1'].reason}")
    found += [
        f"{name.upper()}: {reason}"
        for name in ("e2", "e4")
        if name in records and records[name].band.colour == "red"
        for reason in records[name].band.reasons
    ]
    return found


def _shown(helps: bool | None, name: str, stopped: set[str]) -> str:
    if helps is None:
        return "stopped by a kill-switch" if name in stopped else "not run"
    return "positive" if helps else "negative"


def _geometry_helps(x2: Record | None) -> bool | None:
    """X2's R² above 0.3; None where X2 was not run."""
    return None if x2 is None or x2.figures.get("r2") is None else bool(x2.figures["r2"] > X2_R2)


def _adapter_helps(x3: Record | None) -> bool | None:
    """X3's gain of 3 points, or 15 % of the gap to PQ closed; None where X3 was not run."""
    if x3 is None or x3.figures.get("gain_points") is None:
        return None
    return bool(x3.figures["gain_points"] >= X3_POINTS or (x3.figures.get("gap_closed") or 0) >= X3_GAP)


def questions(records: Mapping[str, Record], switches: Sequence[Switch]) -> list[Question]:
    """The five questions in order."""
    return [
        _clean(records, switches),
        _reaching(records, "Is the result yellow on one meaningful setting?", YELLOW_RECALL, YELLOW_RATIO),
        _reaching(records, "Is it green on one?", GREEN_RECALL, GREEN_RATIO),
        _adapters(records.get("x3"), switches),
        _geometry(records.get("e7"), records.get("e8"), records.get("x2")),
    ]


def _clean(records: Mapping[str, Record], switches: Sequence[Switch]) -> Question:
    text = "Are the curves clean?"
    e2, e4, e5 = (records.get(name) for name in ("e2", "e4", "e5"))
    if e2 is None or e4 is None or e5 is None:
        return Question(text, "not known", "E2, E4 and E5 are all needed")
    rows = e5.figures["methods"]
    falls = falling(rows)
    widths = [
        row["intervals"]["recall@10"][2] - row["intervals"]["recall@10"][0]
        for row in rows
        if row["family"] == "binary" and row["intervals"]["recall@10"]
    ]
    swept = len({row["set"] for row in rows if row["family"] == "binary"})
    checked = sum(row["checked"] for row in e4.figures["sets"])
    agreeing = sum(row["agreeing"] for row in e4.figures["sets"])
    reproduced = sum(row["reproduced"] for row in e2.figures["codes"])
    numbers = (
        f"recall@10 falls with longer codes at {len(falls)} steps of {swept} sweeps"
        + (f" ({'; '.join(falls)})" if falls else "")
        + f"; {reproduced} of {len(e2.figures['codes'])} code sets reproduced in a second process; "
        f"{agreeing} of {checked} held-out queries confirm the ground truth"
        + (f"; the widest upper half of a 95 % interval is {max(widths):.3f}" if widths else "")
    )
    unsound = _unsound(records, {switch.name: switch for switch in switches})
    if unsound:
        numbers += f"; {'; '.join(unsound)}"
    if not swept:
        return Question(text, "not known", numbers)
    return Question(text, "no" if falls or unsound else "yes", numbers)


def falling(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Steps to a longer code of `binary` at which recall@10 falls, as text."""
    found = []
    swept = sorted((row for row in rows if row["family"] == "binary"), key=lambda row: row["bytes_per_vector"])
    for name in dict.fromkeys(row["set"] for row in swept):
        own = [row for row in swept if row["set"] == name and row["recall@10"] is not None]
        found += [
            f"{name}: {short['method']} {short['recall@10']:.3f}, {long['method']} {long['recall@10']:.3f}"
            for short, long in itertools.pairwise(own)
            if long["recall@10"] < short["recall@10"]
        ]
    return found


def _reaching(records: Mapping[str, Record], text: str, recall: float, ratio: float) -> Question:
    """Is there one set where a long code reaches both bars?"""
    e5 = records.get("e5")
    pairs = [] if e5 is None else [pair for pair in e5.figures["iso"] if pair["bits"] in (256, 512) and pair["ratio"]]
    pairs = [pair for pair in pairs if pair["ratio"][0] is not None]
    if not pairs:
        return Question(text, "not known", "no comparison of binary-256/512 with PQ at equal bytes")
    reaching = [pair for pair in pairs if pair["binary"] >= recall and pair["ratio"][0] >= ratio]
    best = max(reaching or pairs, key=lambda pair: pair["binary"])
    numbers = (
        f"{len(reaching)} of {len(pairs)} settings at 256 and 512 bits reach recall@10 >= {recall} and "
        f">= {ratio} × PQ; {'the best of them' if reaching else 'the highest recall'} is {best['binary']:.3f} on "
        f"{best['set']} at {best['bits']} bits, {best['ratio'][0]:.2f} × PQ; by encoder: "
        + ", ".join(
            f"{encoder} {sum(pair['encoder'] == encoder for pair in reaching)} of "
            f"{sum(pair['encoder'] == encoder for pair in pairs)}"
            for encoder in dict.fromkeys(pair["encoder"] for pair in pairs)
        )
    )
    return Question(text, "yes" if reaching else "no", numbers)


def _adapters(x3: Record | None, switches: Sequence[Switch]) -> Question:
    text = "Do adapters help?"
    helps = _adapter_helps(x3)
    if x3 is None or helps is None:
        stopping = [switch.name for switch in switches if "X3" in switch.stops]
        return Question(text, "not known", f"X3 was stopped by {', '.join(stopping)}" if stopping else "X3 was not run")
    closed = x3.figures.get("gap_closed")
    numbers = f"{x3.figures['gain_points']:+.1f} points at 256 bits, {number(closed, '.0%')} of the gap to PQ closed"
    return Question(text, "yes" if helps else "no", numbers)


def _geometry(e7: Record | None, e8: Record | None, x2: Record | None) -> Question:
    text = "Does geometry matter?"
    if e8 is None or e8.figures.get("decisive") is None:
        why = e8.figures.get("why_not") if e8 else ""
        return Question(text, "not known", f"E8: {why or 'was not run'}")
    decisive = e8.figures["decisive"]
    r2 = {(fit["folds"], fit["features"]): fit["r2"] for fit in e8.figures["fits"] if fit["model"] == decisive["model"]}
    both, bits = decisive["features"], "bits alone"
    sets, models = decisive["folds"], "leave-one-model-out"
    numbers = (
        f"R² of held-out sets is {number(r2.get((sets, both)), '.2f')} with geometry and bits and "
        f"{number(r2.get((sets, bits)), '.2f')} with bits alone; of held-out models "
        f"{number(r2.get((models, both)), '.2f')} and {number(r2.get((models, bits)), '.2f')}; "
        f"n = {e8.figures['rows']} rows of {e8.figures['sets']} sets"
    )
    if e7 is not None and e7.figures["relation"]["strongest"]:
        found = e7.figures["relation"]
        numbers += (
            f"; the closest diagnostic is {found['strongest']} (ρ = {found['rho'][found['strongest']]:+.2f}, "
            f"p = {found['p_value']:.3f} corrected for all)"
        )
    if x2 is not None:
        numbers += f"; X2: R² = {number(x2.figures.get('r2'), '.2f')}"
    pairs = [(r2.get((folds, both)), r2.get((folds, bits))) for folds in (sets, models)]
    known = [(with_, without) for with_, without in pairs if with_ is not None and without is not None]
    if len(known) < len(pairs):
        return Question(text, "not known", numbers)
    # Geometry matters where it predicts beyond the code's length, on sets and on models that were not seen.
    matters = all(with_ > max(0.0, without) for with_, without in known)
    return Question(text, "yes" if matters else "no", numbers)


def competitive(answers: Sequence[Question], e5: Band | None) -> str:
    """The closing sentence: what follows where none of the questions about retrieval is answered with yes."""
    if e5 is None or any(question.answer == "not known" for question in answers[1:3]):
        return "Whether binary retrieval is competitive with PQ is not decided by these figures."
    if all(question.answer == "no" for question in (*answers[1:3],)) and answers[3].answer != "yes":
        return "Binary retrieval with these embeddings is not competitive with PQ under realistic memory budgets."
    reached = [question.text for question in answers[1:4] if question.answer == "yes"]
    return f"Answered with yes: {' '.join(reached)}"
