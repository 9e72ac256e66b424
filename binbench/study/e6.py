"""E6: retrieval with product quantization."""

from __future__ import annotations

import re
from pathlib import Path

from binbench.study import plots as draw
from binbench.study.e3 import datasets_reaching
from binbench.study.e5 import by_size
from binbench.study.experiment import Band, Figures, Plot, Table, uncovered
from binbench.study.retrieval import best_of, method_rows, quality_table
from binbench.study.study import Study

TITLE = "PQ retrieval"

STRONG, WEAK = 0.80, 0.70
FAMILIES = ("pq", "opq", "pqfs", "rq", "ivfpq")


def figures(study: Study) -> Figures:
    """Rows of every product quantizer."""
    return {"methods": method_rows(study, lambda family: re.split(r"[\d-]", family)[0] in FAMILIES)}


def band(figures: Figures) -> Band:
    """recall@10 of PQ-32 and PQ-64 on the tier-1 sets."""
    rows = [row for row in figures["methods"] if row["tier"] == 1]
    best, large = best_of(rows, ("pq32", "pq64")), best_of(rows, ("pq64",))
    if missing := uncovered(large):
        return Band("not applicable", [f"recall@10 of pq64 on tier 1: {missing}"])
    by_set = ", ".join(f"{row['set']} {row['recall@10']:.3f} ({row['method']})" for row in best)
    strong = [row for row in best if row["recall@10"] >= STRONG]
    if 2 * len(strong) > len(best):
        return Band("green", [f"recall@10 >= {STRONG} on {len(strong)} of {len(best)} tier-1 sets: {by_set}"])
    if all(row["recall@10"] < WEAK for row in large):
        return Band("red", [f"recall@10 of pq64 < {WEAK} on all {len(large)} tier-1 sets: {by_set}"])
    datasets, everything = datasets_reaching(best, STRONG)
    strong_on = f"recall@10 >= {STRONG} on {len(datasets)} of {len(everything)} datasets: {by_set}"
    if 3 * len(datasets) >= 2 * len(everything):
        return Band("yellow", [strong_on])
    return Band("not applicable", [f"between the bands: {strong_on}"])


def tables(figures: Figures) -> list[Table]:
    """Quality, bytes and time."""
    return [quality_table(figures["methods"], "Product quantizers against the float ranking and the judgements")]


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Recall by bytes."""
    swept = [row for row in figures["methods"] if row["family"] == "pq" and row["recall@10"] is not None]
    if not swept:
        return []
    return [
        draw.curves(
            folder / "e6-recall.png",
            by_size(swept, lambda row: row["bytes_per_vector"]),
            ("bytes per vector", "recall@10 against float"),
            "recall@10 of `pq` by the size of the code.",
            log_x=True,
            unit_y=True,
            ticks=sorted({row["bytes_per_vector"] for row in swept}),
        )
    ]
