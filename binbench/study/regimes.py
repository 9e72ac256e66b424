"""What the figures mean for a choice: which method under which budget, and where binary stands against PQ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from binbench.report.render import Table
from binbench.study.rows import MARK, MARKED, Estimate, MethodRow, Pair, decided, with_recall
from binbench.study.tables import mark, table
from binbench.study.thresholds import COMPETITIVE

Standing = Literal["preferable", "competitive", "clearly worse"]

DOCUMENTS = (1_000_000, 10_000_000, 100_000_000)
GIGABYTES = (0.5, 1.0, 4.0, 16.0)
RECALLS = (0.5, 0.7, 0.9)


@dataclass(frozen=True, kw_only=True)
class MeanRow:
    """A method over all sets of an encoder: means (of queries per second the geometric one), and the lowest recall@10.

    Bytes are the largest of the sets.
    """

    method: str
    family: str
    sets: int
    bytes_per_vector: float
    shared_bytes: int
    recall: float
    lowest: float
    retention: float | None
    queries_per_second: float
    machine: str
    flattered: bool


def means(methods: Iterable[MethodRow], encoder: str) -> list[MeanRow]:
    """One row per method that was run on every set of `encoder`."""
    own = with_recall(row for row in methods if row.encoder == encoder)
    sets = {row.set for row in own}
    found = []
    for name in dict.fromkeys(row.method for row in own):
        rows = [row for row in own if row.method == name]
        if {row.set for row in rows} != sets:
            continue
        retained = [row.retention for row in rows if row.retention is not None]
        found.append(
            MeanRow(
                method=name,
                family=rows[0].family,
                sets=len(rows),
                bytes_per_vector=max(row.bytes_per_vector for row in rows),
                shared_bytes=max(row.shared_bytes for row in rows),
                recall=float(np.mean([row.recall for row in rows])),
                lowest=min(row.recall for row in rows),
                retention=float(np.mean(retained)) if retained else None,
                flattered=any(row.flattered for row in rows),
                machine=" and ".join(sorted({row.machine for row in rows})),
                queries_per_second=float(np.exp(np.mean(np.log([row.queries_per_second for row in rows])))),
            )
        )
    return sorted(found, key=lambda row: (row.bytes_per_vector, row.method))


def choose(rows: Sequence[MeanRow], documents: int, gigabytes: float, recall: float) -> MeanRow | None:
    """The smallest of `rows` that fits `documents` into `gigabytes` and whose lowest recall@10 reaches `recall`.

    Between equal sizes the higher recall decides. None where nothing does both.
    """
    fitting = [
        row
        for row in rows
        if documents * row.bytes_per_vector + row.shared_bytes <= gigabytes * 1e9 and row.lowest >= recall
    ]
    return min(fitting, key=lambda row: (row.bytes_per_vector, -row.lowest), default=None)


def choices(methods: Sequence[MethodRow], encoder: str) -> Table:
    """RQ4: given that many documents and gigabytes, what reaches which recall@10."""
    rows = means(methods, encoder)
    lines: list[list[str]] = []
    for documents in DOCUMENTS:
        before: list[str] = []
        for gigabytes in GIGABYTES:
            cells = [_shown(rows, documents, gigabytes, recall) for recall in RECALLS]
            # More memory that buys nothing has no line.
            lines += [[f"{documents / 1e6:g}M in {gigabytes:g} GB", *cells]] if cells != before else []
            before = cells
    made = table(
        f"{encoder}: the smallest method that fits and reaches the recall@10 on every set",
        ("documents, at most", *(f"recall@10 ≥ {recall}" for recall in RECALLS)),
        lines,
    )
    made.notes += [f"{MARKED}."] if any(MARK in cell for line in lines for cell in line) else []
    return made


def _shown(rows: Sequence[MeanRow], documents: int, gigabytes: float, recall: float) -> str:
    found = choose(rows, documents, gigabytes, recall)
    if found is None:
        return "nothing measured"
    return f"{found.method}: {found.bytes_per_vector:g} B, {found.lowest:.2f}{mark(found)}"


def standing(ratio: Estimate) -> Standing:
    """Binary against PQ at equal bytes, by the paired 95 % interval of the ratio of their recall@10.

    Preferable: all of it above 1. Clearly worse: all of it below 0.95. Competitive: otherwise.
    """
    low, high = (ratio.value if limit is None else limit for limit in (ratio.low, ratio.high))
    if low > 1:
        return "preferable"
    return "clearly worse" if high < COMPETITIVE else "competitive"


def by_standing(pairs: Iterable[Pair]) -> dict[Standing, list[Pair]]:
    """The pairs by their standing; those without a ratio stand nowhere."""
    found: dict[Standing, list[Pair]] = {"preferable": [], "competitive": [], "clearly worse": []}
    for pair, ratio in decided(pairs):
        found[standing(ratio)].append(pair)
    return found
