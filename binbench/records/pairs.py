"""Records against each other: paired by query, with float, and at equal bytes per vector."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from binbench.errors import UserError
from binbench.measures.bootstrap import Interval
from binbench.measures.comparison import Comparison
from binbench.measures.comparison import compare as paired
from binbench.measures.registry import MEASURES
from binbench.records.record import Record

SEED = 0
#: What methods are compared by where nothing else is said.
COMPARED = ("recall@10", "ndcg@10")
#: The measure that retention is a share of float's of.
RETENTION = "ndcg@10"
#: The family that others are compared with at equal bytes.
BASELINE = "pq"
#: Numbers of bytes per vector whose ratio is at most this count as equal: whole blocks of codes add a little.
EQUAL = 1.02


class Budget(NamedTuple):
    """What a number of bytes buys.

    Attributes:
        bytes_per_vector: all of them: codes, extras, re-scoring store; the least of the records'.
        records: those that take so many, best recall@10 first.
        baseline: the PQ record among them, or None.
    """

    bytes_per_vector: float
    records: list[Record]
    baseline: Record | None


def compare(a: Record, b: Record, measure: str) -> Comparison | None:
    """Record `a` against record `b` by `measure`, query by query; None where it does not apply to both.

    The comparison's `ratio` is the retention where `b` is the float reference. Wins are queries on which `a` is better,
    whether larger or smaller values are. What the harness stored is taken; the rest is computed, and kept in memory.

    Raises:
        UserError: there is no such measure, or the two were measured on different sets or subsets.
    """
    if a.mean(measure) is None or b.mean(measure) is None:
        return None
    assert a.figures is not None
    assert b.figures is not None
    if a.searched != b.searched:
        (first, second) = (f"{one.method} on {one.documents} documents of {one.set}" for one in (a, b))
        raise UserError(f"{first} and {second} were asked different questions: no comparison")
    stored = a.stored_contrasts.get(measure)
    if stored and stored["with"] == b.figures.key:
        return comparison(stored["comparison"])
    return _computed(_Keyed(a), _Keyed(b), measure)


def contrasts(record: Record, reference: Record) -> dict[str, dict[str, Any]]:
    """What the harness stores of `record` against `reference`, by measure: its key and the comparison."""
    assert reference.figures is not None
    found = {measure: compare(record, reference, measure) for measure in COMPARED}
    return {
        measure: {"with": reference.figures.key, "comparison": dataclasses.asdict(one)}
        for measure, one in found.items()
        if one is not None
    }


def comparison(stored: dict[str, Any]) -> Comparison:
    """The inverse of ``dataclasses.asdict``."""
    return Comparison(**stored | {name: Interval(*stored[name]) for name in ("difference", "ratio")})


def retention(record: Record) -> tuple[float, Comparison | None] | None:
    """nDCG@10 as a share of float's, with the stored comparison; None without a reference or judgements.

    The comparison is None where the harness has stored none with the reference that there is now.
    """
    reference = record.reference
    ours, theirs = record.mean(RETENTION), reference and reference.mean(RETENTION)
    if ours is None or not theirs:
        return None
    assert reference is not None
    assert reference.figures is not None
    stored = record.stored_contrasts.get(RETENTION)
    if stored and stored["with"] == reference.figures.key:
        found = comparison(stored["comparison"])
        return float(found.ratio.estimate), found
    return ours / theirs, None


def budgets(records: Iterable[Record]) -> list[Budget]:
    """The numbers of bytes per vector that two instances or more share, within :data:`EQUAL`, smallest first.

    Args:
        records: of one set or subset, k, mode and number of threads.
    """
    held: dict[float, list[Record]] = {}
    for size, record in sorted(
        ((one.bytes_per_vector, one) for one in records if one.bytes_per_vector is not None), key=lambda pair: pair[0]
    ):
        budget = next(reversed(held), None)
        held.setdefault(budget if budget is not None and size <= EQUAL * budget else size, []).append(record)
    return [
        Budget(size, sorted(same, key=lambda one: -(one.mean("recall@10") or 0)), baseline_of(same))
        for size, same in held.items()
        if len({one.instance for one in same}) > 1
    ]


def baseline_of(records: Sequence[Record]) -> Record | None:
    """The PQ record among `records` with the least seed, or None."""
    found = [record for record in records if record.family == BASELINE and record.status == "ok"]
    return min(found, key=lambda record: record.seed or 0, default=None)


def ratio(record: Record, baseline: Record | None, measure: str) -> Interval | None:
    """mean(record) / mean(baseline) by `measure` with its paired interval.

    None for the baseline itself, without one, and where either has no such figure or the baseline's is 0.
    """
    if baseline is None or record.path == baseline.path or not baseline.mean(measure):
        return None
    found = compare(record, baseline, measure)
    return None if found is None else found.ratio


class _Keyed:
    """A record that is known by its figures alone, so that a cache can tell it."""

    def __init__(self, record: Record) -> None:
        self.record = record

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self._key == other._key

    @property
    def _key(self) -> tuple[Any, ...]:
        assert self.record.figures is not None
        return self.record.path, self.record.figures.key


@lru_cache(maxsize=4096)
def _computed(a: _Keyed, b: _Keyed, measure: str) -> Comparison:
    ours, theirs = a.record.values(measure), b.record.values(measure)
    assert ours is not None
    assert theirs is not None
    found = paired(ours, theirs, SEED)
    if not MEASURES[measure].larger_is_better:
        found = dataclasses.replace(found, wins=found.losses, losses=found.wins)
    return found
