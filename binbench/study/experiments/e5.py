"""E5: retrieval with binary codes, and against PQ at equal bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import (
    MethodRow,
    Pair,
    best_of,
    counting,
    crossing,
    decided,
    recalls,
    resting,
    sized,
    uncovered,
)
from binbench.study.switches import f1, f2
from binbench.study.tables import iso_table, quality_table
from binbench.study.thresholds import (
    F2_RATIO,
    GREEN_RATIO,
    GREEN_RECALL,
    LONG_BINARY,
    LONG_BITS,
    YELLOW_RATIO,
    YELLOW_RECALL,
)

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Families whose codes hold one bit per (projected) dimension.
ONE_BIT = ("binary", "ortho", "sign", "itq", "rabitq")


@dataclass(frozen=True, kw_only=True)
class BinaryRetrieval:
    """Every 1-bit method on every set, and `binary` against PQ at equal bytes."""

    methods: tuple[MethodRow, ...]
    iso: tuple[Pair, ...]


def is_one_bit(family: str) -> bool:
    """Whether a family is one of :data:`ONE_BIT` or a variant of it."""
    return re.split(r"[\d-]", family)[0] in ONE_BIT


@experiment
class E5(Experiment[BinaryRetrieval]):
    """How good is retrieval with 1-bit codes?"""

    id = "e5"
    title = "Binary retrieval, and against PQ at equal bytes"
    figures = BinaryRetrieval

    def measure(self, study: Study) -> BinaryRetrieval:
        from binbench.study.methods import method_rows, pairs

        return BinaryRetrieval(methods=method_rows(study, is_one_bit), iso=pairs(study))

    def judge(self, figures: BinaryRetrieval) -> Band:
        """Binary-256/512 against the float ranking and against PQ at equal bytes."""
        rows = best_of(counting(figures.methods), LONG_BINARY)
        if missing := uncovered(rows):
            return Band("not applicable", [f"recall@10 of binary256/512: {missing}"])
        compared = [(ratio.value, pair) for pair, ratio in decided(counting(figures.iso)) if pair.bits in LONG_BITS]
        large = resting(pair for _, pair in compared)
        ratios = [(ratio, pair) for ratio, pair in compared if pair in large]
        reaching = [row for row in rows if row.recall >= GREEN_RECALL]
        recall = (
            f"recall@10 >= {GREEN_RECALL} on {len({row.dataset for row in reaching})} datasets and "
            f"{len({row.encoder for row in reaching})} encoders: {recalls(rows)}"
        )
        unsure = crossing(rows, YELLOW_RECALL, GREEN_RECALL)
        recall += f"; {unsure}" if unsure else ""
        against = "no comparison with PQ at equal bytes"
        if ratios:
            best, pair = max(ratios, key=lambda one: one[0])
            against = f"best ratio to PQ at equal bytes {best:.2f} ({pair.bytes} bytes, {pair.set}), {sized(large)}"
        triggered = [switch for switch in (f1(figures.methods), f2(figures.iso)) if switch.state == "triggered"]
        if triggered:
            return Band("red", [*(f"{switch.name}: {switch.reason}" for switch in triggered), recall, against])
        if not uncovered(reaching) and any(ratio >= GREEN_RATIO for ratio, _ in ratios):
            return Band("green", [recall, against])
        fair = [row for row in rows if row.recall >= YELLOW_RECALL]
        close = [ratio for ratio, _ in ratios if ratio >= YELLOW_RATIO]
        mostly = [
            f"recall@10 >= {YELLOW_RECALL} on {len(fair)} of {len(rows)} sets",
            f"ratio to PQ >= {YELLOW_RATIO} in {len(close)} of {len(ratios)} comparisons at 256 and 512 bits",
        ]
        if not uncovered(large) and 2 * len(fair) > len(rows) and 2 * len(close) > len(ratios):
            return Band("yellow", [*mostly, recall, against])
        return Band("not applicable", [f"between the bands{unsure and f' because {unsure}'}", *mostly, recall, against])

    def tables(self, figures: BinaryRetrieval) -> list[Table]:
        found = quality_table(figures.methods, "1-bit methods against the float ranking and the judgements")
        return [found, iso_table(figures.iso)] if figures.iso else [found]

    def plots(self, figures: BinaryRetrieval, folder: Path) -> list[Plot]:
        swept = [row for row in figures.methods if row.family == "binary"]
        found = draw.sweep(
            folder / "e5-recall.svg", swept, "bits per vector", "recall@10 of `binary` by the length of the code.", 8
        )
        if not figures.iso:
            return found
        ratios = {(pair.set, pair.bytes): ratio.value for pair, ratio in decided(figures.iso)}
        sets = list(dict.fromkeys(pair.set for pair in figures.iso))
        sizes = sorted({pair.bytes for pair in figures.iso})
        return [
            *found,
            draw.bars(
                folder / "e5-ratio.svg",
                sets,
                {f"{size} bytes": [ratios.get((name, size)) for name in sets] for size in sizes},
                "recall@10 of binary / recall@10 of PQ",
                "Binary against PQ at equal bytes per vector.",
                lines={"equal": 1.0, "F2": F2_RATIO},
            ),
        ]
