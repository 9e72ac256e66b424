"""E6: retrieval with product quantization."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.experiments.e3 import RECHECK
from binbench.study.rows import MethodRow, best_of, counting, datasets_reaching, recalls, resting, sized, uncovered
from binbench.study.tables import quality_table
from binbench.study.thresholds import LARGE_PQ, LONG_PQ, PQ_FAIR, PQ_STRONG

if TYPE_CHECKING:
    from binbench.study.study import Study

FAMILIES = ("pq", "opq", "pqfs", "rq", "ivfpq")


@dataclass(frozen=True, kw_only=True)
class QuantizedRetrieval:
    """Every product quantizer on every set."""

    methods: tuple[MethodRow, ...]


@experiment
class E6(Experiment[QuantizedRetrieval]):
    """How good is retrieval with product quantizers?"""

    id = "e6"
    title = "PQ retrieval"
    figures = QuantizedRetrieval

    def measure(self, study: Study) -> QuantizedRetrieval:
        from binbench.study.methods import method_rows

        return QuantizedRetrieval(methods=method_rows(study, lambda family: re.split(r"[\d-]", family)[0] in FAMILIES))

    def judge(self, figures: QuantizedRetrieval) -> Band:
        """recall@10 of PQ-32 and PQ-64 on the tier-1 sets."""
        rows = resting(counting(figures.methods, tier=1))
        best, large = best_of(rows, LONG_PQ), best_of(rows, (LARGE_PQ,))
        if missing := uncovered(large):
            return Band("not applicable", [f"recall@10 of {LARGE_PQ} on tier 1: {missing}"])
        shown = f"{recalls(best)}; {sized(best)}"
        strong = [row for row in best if row.recall >= PQ_STRONG]
        if 2 * len(strong) > len(best):
            return Band("green", [f"recall@10 >= {PQ_STRONG} on {len(strong)} of {len(best)} tier-1 sets: {shown}"])
        if all(row.recall < PQ_FAIR for row in large):
            weak = f"recall@10 of {LARGE_PQ} < {PQ_FAIR} on all {len(large)} tier-1 sets: {shown}"
            return Band("red", [weak, RECHECK])
        datasets, everything = datasets_reaching(best, PQ_STRONG)
        strong_on = f"recall@10 >= {PQ_STRONG} on {len(datasets)} of {len(everything)} datasets: {shown}"
        if 3 * len(datasets) >= 2 * len(everything):
            return Band("yellow", [strong_on])
        return Band("not applicable", [f"between the bands: {strong_on}", RECHECK])

    def tables(self, figures: QuantizedRetrieval) -> list[Table]:
        return [quality_table(figures.methods, "Product quantizers against the float ranking and the judgements")]

    def plots(self, figures: QuantizedRetrieval, folder: Path) -> list[Plot]:
        swept = [row for row in figures.methods if row.family == "pq"]
        return draw.sweep(
            folder / "e6-recall.svg", swept, "bytes per vector", "recall@10 of `pq` by the size of the code."
        )
