"""What the figures mean for a choice: which method under which budget, and where binary stands against PQ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from binbench.report.render import Table
from binbench.study.experiment import table

Row = dict[str, Any]
Standing = Literal["preferable", "competitive", "clearly worse"]

DOCUMENTS = (1_000_000, 10_000_000, 100_000_000)
GIGABYTES = (0.5, 1.0, 4.0, 16.0)
RECALLS = (0.5, 0.7, 0.9)
#: Down to this share of PQ's recall@10, within the interval, binary is called competitive.
COMPETITIVE = 0.95


def means(methods: Sequence[Row], encoder: str) -> list[Row]:
    """One row per method that was run on every set of `encoder`: means over the sets, and the lowest recall@10."""
    own = [row for row in methods if row["encoder"] == encoder and row["recall@10"] is not None]
    sets = {row["set"] for row in own}
    found = []
    for name in dict.fromkeys(row["method"] for row in own):
        rows = [row for row in own if row["method"] == name]
        if {row["set"] for row in rows} != sets:
            continue
        retained = [row["retention"] for row in rows if row["retention"] is not None]
        found.append(
            {
                "encoder": encoder,
                "method": name,
                "family": rows[0]["family"],
                "sets": len(rows),
                "dimension": rows[0]["dimension"],
                "bytes_per_vector": max(row["bytes_per_vector"] for row in rows),
                "shared_bytes": max(row["shared_bytes"] for row in rows),
                "recall@10": float(np.mean([row["recall@10"] for row in rows])),
                "lowest": min(row["recall@10"] for row in rows),
                "retention": float(np.mean(retained)) if retained else None,
                "queries_per_second": float(np.exp(np.mean(np.log([row["queries_per_second"] for row in rows])))),
            }
        )
    return sorted(found, key=lambda row: (row["bytes_per_vector"], row["method"]))


def choose(rows: Sequence[Row], documents: int, gigabytes: float, recall: float) -> Row | None:
    """The smallest of `rows` that fits `documents` into `gigabytes` and whose lowest recall@10 reaches `recall`.

    Between equal sizes the higher recall decides. None where nothing does both.
    """
    fitting = [
        row
        for row in rows
        if documents * row["bytes_per_vector"] + row["shared_bytes"] <= gigabytes * 1e9 and row["lowest"] >= recall
    ]
    return min(fitting, key=lambda row: (row["bytes_per_vector"], -row["lowest"]), default=None)


def choices(methods: Sequence[Row], encoder: str) -> Table:
    """RQ4: given that many documents and gigabytes, what reaches which recall@10."""
    rows = means(methods, encoder)
    return table(
        f"{encoder}: the smallest method that fits and reaches the recall@10 on every set",
        ("documents, at most", *(f"recall@10 ≥ {recall}" for recall in RECALLS)),
        [
            [f"{documents / 1e6:g}M in {gigabytes:g} GB", *(_shown(rows, documents, gigabytes, r) for r in RECALLS)]
            for documents in DOCUMENTS
            for gigabytes in GIGABYTES
        ],
    )


def _shown(rows: Sequence[Row], documents: int, gigabytes: float, recall: float) -> str:
    found = choose(rows, documents, gigabytes, recall)
    if found is None:
        return "nothing measured"
    return f"{found['method']}: {found['bytes_per_vector']:g} B, {found['lowest']:.2f}"


def standing(pair: Row) -> Standing:
    """Binary against PQ at equal bytes, by the paired 95 % interval of the ratio of their recall@10.

    Preferable: all of it above 1. Clearly worse: all of it below 0.95. Competitive: otherwise.
    """
    estimate, low, high = pair["ratio"]
    low, high = (estimate if limit is None else limit for limit in (low, high))
    if low > 1:
        return "preferable"
    return "clearly worse" if high < COMPETITIVE else "competitive"


def by_standing(pairs: Sequence[Row]) -> dict[Standing, list[Row]]:
    """The iso-memory pairs by their standing."""
    kinds: tuple[Standing, ...] = ("preferable", "competitive", "clearly worse")
    decided = [pair for pair in pairs if pair["ratio"] and pair["ratio"][0] is not None]
    return {kind: [pair for pair in decided if standing(pair) == kind] for kind in kinds}
