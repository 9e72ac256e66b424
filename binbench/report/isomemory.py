"""Methods at equal bytes per vector, each against product quantization."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from binbench.measures.bootstrap import Interval
from binbench.report.columns import Row
from binbench.report.rows import compare_rows
from binbench.report.select import groups
from binbench.report.sets import Sets

#: What others are compared with.
BASELINE = "pq"


class Budget(NamedTuple):
    """What a number of bytes buys.

    Attributes:
        bytes_per_vector: all of them: codes, extras, re-scoring store.
        rows: the results that take just that many, best recall first.
        baseline: the PQ row among them, or None.
    """

    bytes_per_vector: float
    rows: list[Row]
    baseline: Row | None


def budgets(rows: Iterable[Row]) -> list[Budget]:
    """The numbers of bytes that two instances or more share, smallest first.

    Args:
        rows: of one set, k, mode and number of threads.
    """
    found = []
    for (held,), same in groups((row for row in rows if row["bytes_per_vector"] is not None), ["bytes_per_vector"]):
        if len({row["instance"] for row in same}) > 1:
            best_first = sorted(same, key=lambda row: -(row["recall@10"] or 0))
            baselines = sorted((row for row in same if row["family"] == BASELINE), key=lambda row: row["seed"])
            found.append(Budget(held, best_first, baselines[0] if baselines else None))
    return sorted(found, key=lambda budget: budget.bytes_per_vector)


def ratio(results_dir: Path, sets: Sets, row: Row, baseline: Row | None, measure: str) -> Interval | None:
    """mean(row) / mean(baseline) by `measure` with its paired interval, NaN limits where the set is not at hand.

    None for the baseline itself, without one, and where either has no such figure or the baseline's is 0.
    """
    if baseline is None or row["file"] == baseline["file"] or row[measure] is None or not baseline[measure]:
        return None
    found = compare_rows(results_dir, sets, row, baseline, measure)
    if found is not None:
        return found.ratio
    return Interval(row[measure] / baseline[measure], float("nan"), float("nan"))
