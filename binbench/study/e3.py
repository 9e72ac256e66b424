"""E3: training and building product quantizers, and whether they are sane against float."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.plugins.faiss_index import FaissAlgorithm, blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, number, table, uncovered
from binbench.study.retrieval import best_of, method_rows
from binbench.study.study import Study, StudySet

TITLE = "PQ building: training, bytes, quantization error, sanity against float"

SCHEMA = 1
ERROR_SAMPLE = 5000
STRONG, FAIR, BROKEN = 0.80, 0.70, 0.60


def figures(study: Study) -> Figures:
    """One row per set and product quantizer; the quantization error from a codebook trained as the result's was."""
    rows = method_rows(study, lambda family: family == "pq")
    entries = {entry.name: entry for entry in study.sets}
    for row in rows:
        row |= _error(study, entries[row["set"]], row["instance"])
    return {"methods": rows}


def _error(study: Study, entry: StudySet, instance: str) -> dict[str, Any]:
    result = entry.results[instance][0]
    key = {"inputs": result.inputs, "schema": SCHEMA, "sample": ERROR_SAMPLE}
    seed, threads = result.stored_seed, result.threads
    return study.cached("e3", key, lambda: quantization_error(entry.vectors.train, instance, seed, threads))


def quantization_error(train: NDArray[np.float32], instance: str, seed: int, threads: int = 1) -> dict[str, Any]:
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
    return {"quantization_error": float(error), "error_sample": len(rows)}


def band(figures: Figures) -> Band:
    """Is the baseline sound: recall@10 of PQ-32 and PQ-64 against float?"""
    rows = [row for row in figures["methods"] if row["recall@10"] is not None]
    large, best = best_of(rows, ("pq64",)), best_of(rows, ("pq32", "pq64"))
    if missing := uncovered(large, encoders=1):
        return Band("not applicable", [f"recall@10 of pq64: {missing}"])
    by_set = ", ".join(f"{row['set']} {row['recall@10']:.3f} ({row['method']})" for row in best)
    strong, everything = datasets_reaching(best, STRONG)
    if 3 * len(strong) >= 2 * len(everything):
        return Band("green", [f"mean recall@10 >= {STRONG} on {len(strong)} of {len(everything)} datasets: {by_set}"])
    if all(row["recall@10"] < BROKEN for row in large):
        return Band("red", [f"recall@10 of pq64 < {BROKEN} everywhere: the baseline is broken: {by_set}"])
    fair, _ = datasets_reaching(large, FAIR)
    if 3 * len(fair) >= 2 * len(everything):
        return Band("yellow", [f"recall@10 of pq64 >= {FAIR} on {len(fair)} of {len(everything)} datasets: {by_set}"])
    return Band("not applicable", [f"between the bands: {by_set}"])


def datasets_reaching(rows: list[dict[str, Any]], bar: float) -> tuple[list[str], list[str]]:
    """The datasets whose recall@10, the mean over the encoders, is at least `bar`; and all datasets."""
    everything = list(dict.fromkeys(row["dataset"] for row in rows))
    means = {name: np.mean([row["recall@10"] for row in rows if row["dataset"] == name]) for name in everything}
    return [name for name in everything if means[name] >= bar], everything


def tables(figures: Figures) -> list[Table]:
    """One row per set and quantizer."""
    columns = (
        "set",
        "method",
        "bytes/vector",
        "shared kB",
        "index MB",
        "training rows",
        "training s",
        "build s",
        "quantization error",
        "recall@10",
        "nDCG@10 retained",
    )
    found = [
        table(
            "Product quantizers (faiss), times in one process each",
            columns,
            [
                [
                    row["set"],
                    row["method"],
                    f"{row['bytes_per_vector']:g}",
                    f"{row['shared_bytes'] / 1e3:.0f}",
                    f"{row['index_bytes'] / 1e6:.2f}",
                    number(row["training_rows"], ",d"),
                    number(row["train_seconds"], ".2f"),
                    number(row["build_seconds"], ".2f"),
                    number(row["quantization_error"]),
                    number(row["recall@10"]),
                    number(row["retention"], ".1%"),
                ]
                for row in figures["methods"]
            ],
        )
    ]
    notes = [[row["set"], row["method"], note] for row in figures["methods"] for note in row["notes"]]
    if notes:
        found.append(table("Notes of the training", ("set", "method", "note"), notes))
    return found


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Quantization error against recall@10."""
    rows = [row for row in figures["methods"] if row["quantization_error"] is not None and row["recall@10"] is not None]
    if not rows:
        return []
    sets = list(dict.fromkeys(row["set"] for row in rows))
    ordered = sorted(rows, key=lambda row: int(re.sub(r"\D", "", row["method"])))
    series = {
        name: (
            [row["quantization_error"] for row in ordered if row["set"] == name],
            [row["recall@10"] for row in ordered if row["set"] == name],
        )
        for name in sets
    }
    return [
        draw.curves(
            folder / "e3-error.png",
            series,
            ("relative quantization error", "recall@10 against float"),
            "Quantization error and recall@10 of PQ; one point per code size.",
            unit_y=True,
        )
    ]
