"""Rows of one method with several seeds as one row: their mean, its interval, and the deviation between seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.measures.bootstrap import Interval, ratio_ci, seeds_ci
from binbench.measures.registry import MEASURES
from binbench.records import pairs
from binbench.records.columns import CI_HIGH, CI_LOW, COLUMNS
from binbench.records.pairs import RETENTION
from binbench.records.rows import Row
from binbench.records.select import APART

#: What rows must share to be of one method under one condition.
ALIKE = (*APART, "documents", "method", "status")


class SeedsRow(Row):
    """Several seeds of one method: of figures the mean, of other numbers the median, of texts what all have.

    The limits of figures are those of an interval over queries and seeds, both resampled.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        super().__init__(rows[0].record, rows[0].file)
        self.members = rows
        self._intervals: dict[str, Interval | None] = {}

    def __getitem__(self, name: str) -> Any:
        base = name.removesuffix(CI_LOW).removesuffix(CI_HIGH)
        if base != name:
            found = self._interval(base)
            return found and float(found.low if name.endswith(CI_LOW) else found.high)
        values = [row[name] for row in self.members]
        if name == "notes":
            return [*dict.fromkeys(note for own in values for note in own), self._told]
        if all(value == values[0] for value in values):
            return values[0]
        if COLUMNS[name].kind not in ("integer", "number") or name == "seed" or None in values:
            return None
        return statistics.mean(values) if COLUMNS[name].group == "quality" else statistics.median(values)

    def spread(self, name: str) -> float | None:
        """The standard deviation of a figure over the seeds; None for what is none."""
        values = [row[name] for row in self.members]
        return statistics.stdev(values) if self._is_figure(name) and None not in values else None

    @cached_property
    def _told(self) -> str:
        seeds = ", ".join(str(seed) for seed in sorted(row["seed"] for row in self.members))
        return f"mean ± standard deviation over the seeds {seeds}; intervals hold queries and seeds"

    def _is_figure(self, name: str) -> bool:
        return name == "retention" or name in MEASURES

    def _interval(self, name: str) -> Interval | None:
        if name not in self._intervals:
            self._intervals[name] = self._computed(name)
        return self._intervals[name]

    def _computed(self, name: str) -> Interval | None:
        values = _values(self, RETENTION if name == "retention" else name)
        if values is None or name != "retention":
            return None if values is None else seeds_ci(values)
        theirs = None if self.record.reference is None else self.record.reference.values(RETENTION)
        return None if theirs is None else ratio_ci(values, theirs)


def ratio(row: Row, baseline: Row | None, measure: str) -> Interval | None:
    """As :func:`binbench.records.pairs.ratio`, of rows; with several seeds the interval holds them too."""
    if not isinstance(row, SeedsRow) and not isinstance(baseline, SeedsRow):
        return pairs.ratio(row.record, None if baseline is None else baseline.record, measure)
    ours, theirs = _values(row, measure), None if baseline is None or baseline is row else _values(baseline, measure)
    return None if ours is None or theirs is None else ratio_ci(ours, theirs)


def _values(row: Row, measure: str) -> NDArray[np.float64] | None:
    """(S, Q) values, one row for each seed."""
    rows = row.members if isinstance(row, SeedsRow) else [row]
    found = [values for one in rows if (values := one.record.values(measure)) is not None]
    return np.stack(found) if len(found) == len(rows) else None


def pooled(rows: Sequence[Row]) -> list[Row]:
    """`rows` with the seeds of each method as one row, at the place of the first."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        # Failures are shown one by one, and a method that takes no seed is no other for being stored twice.
        one = row["file"] if row["status"] != "ok" or row["seed"] is None else ""
        found.setdefault((*(row[name] for name in ALIKE), one), []).append(row)
    return [own[0] if len(own) == 1 else SeedsRow(own) for own in found.values()]
