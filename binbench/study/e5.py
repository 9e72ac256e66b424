"""E5: retrieval with binary codes, and against PQ at equal bytes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, uncovered
from binbench.study.retrieval import best_of, iso_memory, iso_table, method_rows, quality_table
from binbench.study.study import Study
from binbench.study.switches import f1, f2

TITLE = "Binary retrieval, and against PQ at equal bytes"

GREEN_RECALL, GREEN_RATIO = 0.65, 0.80
YELLOW_RECALL, YELLOW_RATIO = 0.55, 0.60
#: Families whose codes hold one bit per (projected) dimension.
ONE_BIT = ("binary", "ortho", "sign", "itq", "rabitq")
LONG = ("binary256", "binary512")


def figures(study: Study) -> Figures:
    """Rows of every 1-bit method, and the iso-memory pairs."""
    return {"methods": method_rows(study, is_one_bit), "iso": iso_memory(study)}


def is_one_bit(family: str) -> bool:
    """Whether a family is one of :data:`ONE_BIT` or a variant of it."""
    return re.split(r"[\d-]", family)[0] in ONE_BIT


def band(figures: Figures) -> Band:
    """Binary-256/512 against the float ranking and against PQ at equal bytes."""
    rows = best_of(figures["methods"], LONG)
    if missing := uncovered(rows):
        return Band("not applicable", [f"recall@10 of binary256/512: {missing}"])
    ratios = [pair for pair in figures["iso"] if pair["bits"] in (256, 512) and pair["ratio"][0] is not None]
    by_set = ", ".join(f"{row['set']} {row['recall@10']:.3f} ({row['method']})" for row in rows)
    reaching = [row for row in rows if row["recall@10"] >= GREEN_RECALL]
    recall = (
        f"recall@10 >= {GREEN_RECALL} on {len({row['dataset'] for row in reaching})} datasets and "
        f"{len({row['encoder'] for row in reaching})} encoders: {by_set}"
    )
    against = "no comparison with PQ at equal bytes"
    if ratios:
        best = max(ratios, key=lambda pair: pair["ratio"][0])
        against = f"best ratio to PQ at equal bytes {best['ratio'][0]:.2f} ({best['bytes']} bytes, {best['set']})"
    triggered = [switch for switch in (f1(figures["methods"]), f2(figures["iso"])) if switch.state == "triggered"]
    if triggered:
        return Band("red", [*(f"{switch.name}: {switch.reason}" for switch in triggered), recall, against])
    if not uncovered(reaching) and any(pair["ratio"][0] >= GREEN_RATIO for pair in ratios):
        return Band("green", [recall, against])
    fair = [row for row in rows if row["recall@10"] >= YELLOW_RECALL]
    close = [pair for pair in ratios if pair["ratio"][0] >= YELLOW_RATIO]
    mostly = [
        f"recall@10 >= {YELLOW_RECALL} on {len(fair)} of {len(rows)} sets",
        f"ratio to PQ >= {YELLOW_RATIO} in {len(close)} of {len(ratios)} comparisons at 256 and 512 bits",
    ]
    if 2 * len(fair) > len(rows) and ratios and 2 * len(close) > len(ratios):
        return Band("yellow", [*mostly, recall, against])
    return Band("not applicable", ["between the bands", *mostly, recall, against])


def tables(figures: Figures) -> list[Table]:
    """Quality, bytes and time; then binary against PQ."""
    found = [quality_table(figures["methods"], "1-bit methods against the float ranking and the judgements")]
    return [*found, iso_table(figures["iso"])] if figures["iso"] else found


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Recall by bits, and the ratio to PQ."""
    found = []
    swept = [row for row in figures["methods"] if row["family"] == "binary" and row["recall@10"] is not None]
    if swept:
        found.append(
            draw.curves(
                folder / "e5-recall.png",
                by_size(swept, lambda row: 8 * row["bytes_per_vector"]),
                ("bits per vector", "recall@10 against float"),
                "recall@10 of `binary` by the length of the code.",
                log_x=True,
                unit_y=True,
                ticks=sorted({8 * row["bytes_per_vector"] for row in swept}),
            )
        )
    if figures["iso"]:
        sets = list(dict.fromkeys(pair["set"] for pair in figures["iso"]))
        sizes = sorted({pair["bytes"] for pair in figures["iso"]})
        found.append(
            draw.bars(
                folder / "e5-ratio.png",
                sets,
                {
                    f"{size} bytes": [
                        next(
                            (p["ratio"][0] for p in figures["iso"] if p["set"] == name and p["bytes"] == size),
                            None,
                        )
                        for name in sets
                    ]
                    for size in sizes
                },
                "recall@10 of binary / recall@10 of PQ",
                "Binary against PQ at equal bytes per vector.",
                lines={"equal": 1.0, "F2": 0.5},
            )
        )
    return found


def by_size(rows: list[dict[str, Any]], size: Any) -> dict[str, draw.Series]:
    """recall@10 against the `size` of each set's rows, ascending."""
    ordered = sorted(rows, key=size)
    sets = dict.fromkeys(row["set"] for row in rows)
    return {
        name: (
            [size(row) for row in ordered if row["set"] == name],
            [row["recall@10"] for row in ordered if row["set"] == name],
        )
        for name in sets
    }
