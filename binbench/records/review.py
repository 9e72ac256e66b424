"""Records of one set under one condition side by side, with comparisons that hold up in a review."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from binbench.measures.comparison import Comparison, holm
from binbench.measures.registry import MEASURES
from binbench.records.pairs import COMPARED, budgets, compare
from binbench.records.record import Record


@dataclass(frozen=True)
class Contrast:
    """One method against another.

    Attributes:
        a, b: the records.
        measure: what they are compared by.
        comparison: `a` against `b`.
        p_holm: the p-value after Holm's correction over the family: all contrasts of one measure in one group.
    """

    a: Record
    b: Record
    measure: str
    comparison: Comparison
    p_holm: float


@dataclass(frozen=True)
class Group:
    """Records of one set under one condition.

    Attributes:
        records: failed ones included, in the order given; never empty.
        contrasts: every method against float, and against PQ where it takes the same bytes per vector.
    """

    records: list[Record]
    contrasts: list[Contrast]

    @property
    def condition(self) -> Record:
        """A record that tells the set, documents, k, mode, threads and seed."""
        return next((record for record in self.records if record.seeded), self.records[0])


def review(records: Sequence[Record], measures: Sequence[str] = COMPARED) -> list[Group]:
    """`records` by set and condition, compared by `measures` where these apply.

    A method without a seed stands beside those of every seed.

    Raises:
        UserError: an unknown measure.
    """
    for measure in measures:
        MEASURES.find(measure)
    found = []
    for _, group in groupby(sorted(records, key=_condition), key=_condition):
        alike = list(group)
        seeds: list[int | None] = [*sorted({record.seed for record in alike if record.seed is not None})]
        for seed in seeds or [None]:
            members = [record for record in alike if record.seed in (None, seed)]
            found.append(Group(members, [one for measure in measures for one in _family(members, measure)]))
    return found


def _condition(record: Record) -> tuple[Any, ...]:
    return record.set, record.documents or 0, record.k, not record.batch, record.threads, record.max_train


def _family(records: Sequence[Record], measure: str) -> list[Contrast]:
    judged = [record for record in records if record.mean(measure) is not None]
    pairs = [(record, record.reference) for record in judged if record.reference and record.instance != "float"]
    pairs += [
        (record, budget.baseline)
        for budget in budgets(judged)
        for record in budget.records
        if budget.baseline and record.family != budget.baseline.family
    ]
    found = [(a, b, comparison) for a, b in pairs if b and (comparison := compare(a, b, measure))]
    corrected = holm([comparison.p_value for *_, comparison in found])
    return [Contrast(a, b, measure, one, float(p)) for (a, b, one), p in zip(found, corrected, strict=True)]
