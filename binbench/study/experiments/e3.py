"""E3: training and building product quantizers, and whether they are sane against float."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.plugins.faiss_index import FaissAlgorithm, blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import (
    MethodRow,
    best_of,
    by_set,
    counting,
    datasets_reaching,
    recalls,
    resting,
    sized,
    uncovered,
    with_recall,
)
from binbench.study.tables import listing, noted, number, seconds, table, timed_on
from binbench.study.thresholds import LARGE_PQ, LONG_PQ, PQ_BROKEN, PQ_FAIR, PQ_STRONG

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Raised when the error is computed otherwise.
SCHEMA = 1
ERROR_SAMPLE = 5000
#: What a weak baseline asks for.
RECHECK = "re-check PQ with a larger training sample, more rounds and another seed before anything rests on it"


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """The mean squared error of decoded codes over the mean squared length, on a sample of so many rows."""

    quantization_error: float
    error_sample: int


@dataclass(frozen=True, kw_only=True)
class QuantizerRow(MethodRow, Quantization):
    """A product quantizer on a set."""


@dataclass(frozen=True, kw_only=True)
class Quantizers:
    """The quantizers of every set."""

    methods: tuple[QuantizerRow, ...]


@experiment
class E3(Experiment[Quantizers]):
    """Is the baseline sound?"""

    id = "e3"
    title = "PQ building: training, bytes, quantization error, sanity against float"
    figures = Quantizers

    def measure(self, study: Study) -> Quantizers:
        """The quantization error is that of a codebook trained as the result's was."""
        from binbench.study.methods import method_rows

        entries = {entry.name: entry for entry in study.sets}
        rows = []
        for row in method_rows(study, lambda family: family == "pq"):
            entry = entries[row.set]
            record = entry.records[row.method][0]
            key = {"inputs": record.inputs, "schema": SCHEMA, "sample": ERROR_SAMPLE}
            train = partial(
                quantization_error, entry.vectors.train, row.instance, record.seed or 0, threads=record.threads
            )
            rows.append(QuantizerRow(**vars(row), **vars(study.cached("e3", key, Quantization, train))))
        return Quantizers(methods=tuple(rows))

    def judge(self, figures: Quantizers) -> Band:
        """recall@10 of PQ-32 and PQ-64 against float on the tier-1 sets."""
        rows = resting(counting(figures.methods, tier=1), encoders=1)
        large, best = best_of(rows, (LARGE_PQ,)), best_of(rows, LONG_PQ)
        if missing := uncovered(large, encoders=1):
            return Band("not applicable", [f"recall@10 of {LARGE_PQ} on tier 1: {missing}"])
        shown = f"{recalls(best)}; {sized(best)}"
        strong, everything = datasets_reaching(best, PQ_STRONG)
        if 3 * len(strong) >= 2 * len(everything):
            on = f"on {len(strong)} of {len(everything)} datasets: {shown}"
            return Band("green", [f"mean recall@10 >= {PQ_STRONG} {on}"])
        if all(row.recall < PQ_BROKEN for row in large):
            return Band("red", [f"recall@10 of {LARGE_PQ} < {PQ_BROKEN} everywhere: {shown}", RECHECK])
        fair, _ = datasets_reaching(large, PQ_FAIR)
        if 3 * len(fair) >= 2 * len(everything):
            on = f"on {len(fair)} of {len(everything)} datasets: {shown}"
            return Band("yellow", [f"recall@10 of {LARGE_PQ} >= {PQ_FAIR} {on}"])
        return Band("not applicable", [f"between the bands: {shown}", RECHECK])

    def tables(self, figures: Quantizers) -> list[Table]:
        notes = [[row.set, row.method, note] for row in figures.methods for note in row.notes]
        timed = timed_on(figures.methods)
        found = listing(
            "Product quantizers (faiss), times in one process each",
            figures.methods,
            {
                "set": lambda row: row.set,
                "method": lambda row: row.method,
                "bytes/vector": lambda row: f"{row.bytes_per_vector:g}",
                "recall@10": lambda row: number(row.means["recall@10"]),
                "nDCG@10 retained": lambda row: number(row.retention, ".1%"),
                "training rows": lambda row: number(row.training_rows, ",d"),
                "quantization error": lambda row: number(row.quantization_error),
                "shared kB": lambda row: f"{row.shared_bytes / 1e3:.0f}",
                "index MB": lambda row: f"{row.index_bytes / 1e6:.2f}",
                "training s": lambda row: seconds(timed, row, row.train_seconds, ".2f"),
                "build s": lambda row: seconds(timed, row, row.build_seconds, ".2f"),
            },
        )
        noted(found, (), timed)
        return [found, table("Notes of the training", ("set", "method", "note"), notes)] if notes else [found]

    def plots(self, figures: Quantizers, folder: Path) -> list[Plot]:
        ordered = sorted(with_recall(figures.methods), key=lambda row: int(re.sub(r"\D", "", row.method)))
        if not ordered:
            return []
        return [
            draw.curves(
                folder / "e3-error.svg",
                {
                    name: ([row.quantization_error for row in rows], [row.recall for row in rows])
                    for name, rows in by_set(ordered).items()
                },
                ("relative quantization error", "recall@10 against float"),
                "Quantization error and recall@10 of PQ; one point per code size.",
                unit_y=True,
            )
        ]


def quantization_error(train: NDArray[np.float32], instance: str, seed: int, threads: int = 1) -> Quantization:
    """The mean squared error of decoded codes over the mean squared length, on a seeded sample of `train` (N, d)."""
    from threadpoolctl import threadpool_limits

    algorithm = ALGORITHMS.get(instance).create(dimension=train.shape[1], seed=seed)
    assert isinstance(algorithm, FaissAlgorithm)
    algorithm.index_ = algorithm.build()
    with threadpool_limits(threads), blas_distances():
        algorithm.train_index(algorithm.index_, train)
    rng = Generator(PCG64(seed))
    rows = np.sort(rng.choice(len(train), min(ERROR_SAMPLE, len(train)), replace=False))
    vectors = np.ascontiguousarray(train[rows])
    decoded = algorithm.decode(vectors)
    assert decoded is not None
    error = np.square(vectors.astype(np.float64) - decoded).sum() / np.square(vectors.astype(np.float64)).sum()
    return Quantization(quantization_error=float(error), error_sample=len(rows))
