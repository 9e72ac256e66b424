"""Methods over all sets and encoders: who is best within a number of bytes, and what a stranger should take from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from binbench.records.pairs import EQUAL
from binbench.records.rows import Row
from binbench.report.charts.base import one_mode

#: Bytes per vector that methods are ranked within.
BUDGETS = tuple(2**power for power in range(3, 13))
#: What the overview asks of each set: a figure, and how much of it one wants to keep.
GOALS = (("retention", 0.95), ("recall@10", 0.9), ("recall@10", 0.7))
#: Rows shown within one budget.
MOST = 12


@dataclass(frozen=True)
class Standing:
    """One method over all sets.

    Attributes:
        method, family: as rows call them.
        bytes_per_vector: the most that it takes on any set.
        values: set → recall@10, the mean over seeds; without the sets that it was not measured on.
        mean: over the sets that it was measured on.
        weakest: the set with the least value.
        undertrained: on any set, so that it looks better than it is.
    """

    method: str
    family: str
    bytes_per_vector: float
    values: Mapping[str, float]
    mean: float
    weakest: str
    undertrained: bool


def candidates(rows: Sequence[Row]) -> list[Row]:
    """Those of `rows` that may stand in a headline: with a recall, and with shared tables below the float vectors."""
    return [
        row
        for row in rows
        if row["recall@10"] is not None and row["bytes_per_vector"] is not None and not row["outweighed"]
    ]


def standings(sets: Mapping[str, Sequence[Row]]) -> list[Standing]:
    """Every method that was measured on any of the `sets`: those on all sets first, by their mean."""
    placed = [(name, row) for name, rows in sets.items() for row in one_mode(candidates(rows))]
    found = []
    for method in dict.fromkeys(row["method"] for _, row in placed):
        own = [(name, row) for name, row in placed if row["method"] == method]
        values = {
            name: fmean(row["recall@10"] for where, row in own if where == name)
            for name in dict.fromkeys(name for name, _ in own)
        }
        found.append(
            Standing(
                method,
                own[0][1]["family"],
                max(row["bytes_per_vector"] for _, row in own),
                values,
                fmean(values.values()),
                min(values, key=lambda name: values[name]),
                any(row["undertrained"] for _, row in own),
            )
        )
    return sorted(found, key=lambda one: (-len(one.values), -one.mean, one.bytes_per_vector))


def within(found: Sequence[Standing]) -> dict[int, list[Standing]]:
    """The best of `found` by budget; without budgets that let in nothing more than the one before."""
    boards: dict[int, list[Standing]] = {}
    before = 0
    for budget in BUDGETS:
        fitting = [one for one in found if one.bytes_per_vector <= EQUAL * budget]
        if len(fitting) > before:
            boards[budget] = fitting[:MOST]
        before = len(fitting)
    return boards


def goals(rows: Sequence[Row]) -> list[Row | None]:
    """For each of :data:`GOALS` the row with the fewest bytes per vector that reaches it."""
    return [
        min(
            (row for row in candidates(rows) if (row[name] or 0) >= least),
            key=lambda row: (row["bytes_per_vector"], -row["recall@10"]),
            default=None,
        )
        for name, least in GOALS
    ]


def findings(sets: Mapping[str, Sequence[Row]], boards: Mapping[int, Sequence[Standing]]) -> list[str]:
    """One sentence per finding, of those that the results give."""
    told = []
    floats = [row["bytes_per_vector"] for rows in sets.values() for row in rows if row["instance"] == "float"]
    whole = f"; the float vectors take {_span(floats)}" if any(floats) else ""
    for place, text in ((0, "Keeping 95 % of the float vectors’ nDCG@10"), (1, "Finding nine of ten true neighbours")):
        reached = [row for rows in sets.values() if (row := goals(rows)[place]) is not None]
        if reached:
            names = ", ".join(sorted({row["method"] for row in reached}))
            missed = "" if len(reached) == len(sets) else f" on {len(reached)} of {len(sets)} sets"
            told.append(f"{text} takes {_span([row['bytes_per_vector'] for row in reached])}{missed} ({names}){whole}.")
    for budget in (16, 64):
        if board := boards.get(budget):
            best = board[0]
            value = f"{best.mean:.2f}"
            if len(best.values) > 1:
                least = best.values[best.weakest]
                value += f" in the mean of {len(best.values)} sets, {least:.2f} on the weakest ({best.weakest})"
            told.append(f"Within {budget} bytes per vector the best method is {best.method}: recall@10 of {value}.")
    judged = [row for rows in sets.values() for row in candidates(rows) if row["retention"] is not None]
    if judged:
        row = max(judged, key=lambda row: min(row["retention"], 1) - row["recall@10"])
        told.append(
            f"nDCG flatters compression: {row['method']} keeps {row['retention']:.0%} of the float vectors’ nDCG@10 on "
            f"{row['set']} and finds {row['recall@10']:.0%} of their neighbours."
        )
    everything = [row for rows in sets.values() for row in rows]
    if few := sum(bool(row["undertrained"]) for row in everything):
        told.append(
            f"{few} of {len(everything)} results come from codebooks trained on too few points for their size, "
            "which makes them look better than on a large collection; they are marked with ○."
        )
    return told


def _span(values: Sequence[float]) -> str:
    ends = dict.fromkeys(f"{value:,.5g}" for value in (min(values), max(values)))
    return " to ".join(ends) + " bytes per vector"
