"""E4: the float ground truth, what it costs, and whether an independent route finds the same."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.sets.embeddings import EmbeddingSet
from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, number, table
from binbench.study.study import Study, StudySet

TITLE = "Float brute force: ground truth, cost, cross-check"

SCHEMA = 1
HELD_OUT = 200
#: Two float32 searches of unit vectors agree in distance to this.
TOLERANCE = 2e-5


def figures(study: Study) -> Figures:
    """One row per set: size of the product, measured time, and the check of a seeded subset of the queries."""
    return {
        "sets": [_row(study, entry) for entry in study.sets],
        "tier1": {
            "asked": sum(entry.tier == 1 for entry in study.asked),
            "made": sum(entry.tier == 1 for entry in study.sets),
        },
        "reference_device": study.campaign.resolved["reference_device"],
        "budgets": study.campaign.budgets,
    }


def _row(study: Study, entry: StudySet) -> dict[str, Any]:
    vectors = entry.vectors
    n, d = vectors.train.shape
    key = {"set": vectors.fingerprint, "schema": SCHEMA, "held_out": HELD_OUT}
    check = study.cached("e4", key, lambda: cross_check(vectors))
    row = entry.labels() | {
        "documents": n,
        "queries": len(vectors.test),
        "dimension": d,
        "k": vectors.neighbors.shape[1],
        "flops": 2 * len(vectors.test) * n * d,
        "device": vectors.attributes.get("device_name", ""),
        "cpu_seconds": None,
        "cpu": "",
        "threads": None,
    }
    if "float" in entry.results:
        result = entry.results["float"][0]
        row |= {
            "cpu_seconds": (result.seconds_per_query or 0.0) * (result.queries or 0) * result.threads,
            "cpu": result.provenance["machine"]["cpu"],
            "threads": result.threads,
        }
    return row | check


def cross_check(embeddings: EmbeddingSet, held_out: int = HELD_OUT, seed: int = 0) -> dict[str, Any]:
    """The stored neighbours of a seeded subset of queries against faiss' exhaustive search of the same vectors.

    Returns:
        checked: queries compared; agreeing: of them, those whose k distances agree and whose neighbours are the same
        but for ties within the tolerance; worst: the largest difference of distances; check_cpu_seconds.
    """
    import faiss

    rng = Generator(PCG64(seed))
    test, k = embeddings.test, embeddings.neighbors.shape[1]
    chosen = np.sort(rng.choice(len(test), min(held_out, len(test)), replace=False))
    euclidean = embeddings.distance == "euclidean"
    metric = faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT
    start = time.process_time()
    scores, ids = faiss.knn(np.ascontiguousarray(test[chosen]), embeddings.train, k, metric=metric)
    spent = time.process_time() - start
    distances = np.sqrt(np.maximum(scores, 0)) if euclidean else 1 - scores
    stored, neighbors = embeddings.distances[chosen], embeddings.neighbors[chosen]
    apart = np.abs(distances.astype(np.float64) - stored)
    same = _same_but_for_ties(stored, neighbors, ids, TOLERANCE * max(1.0, float(stored.max(initial=0))))
    agreeing = (apart.max(axis=1) <= TOLERANCE * np.maximum(1, stored[:, -1])) & same
    return {
        "checked": len(chosen),
        "agreeing": int(agreeing.sum()),
        "worst": float(apart.max(initial=0)),
        "check_cpu_seconds": spent,
    }


def _same_but_for_ties(
    distances: NDArray[np.floating], ours: NDArray[np.integer], theirs: NDArray[np.integer], tolerance: float
) -> NDArray[np.bool_]:
    """(Q,) whether every stored neighbour that is clearly nearer than the last one is among `theirs`."""
    clear = distances < distances[:, -1:] - tolerance
    found = np.array([np.isin(own, other) for own, other in zip(ours, theirs, strict=True)])
    return np.asarray((found | ~clear).all(axis=1))


def band(figures: Figures) -> Band:
    """Complete, consistent, and within the hours of CPU (on the reference device only)."""
    rows = figures["sets"]
    checked, agreeing = sum(row["checked"] for row in rows), sum(row["agreeing"] for row in rows)
    check = f"{agreeing} of {checked} held-out queries agree with faiss' exhaustive search"
    if agreeing < checked:
        wrong = [row["set"] for row in rows if row["agreeing"] < row["checked"]]
        return Band("red", [f"inconsistent: {check}; not on {', '.join(wrong)}"])
    timed = [row for row in rows if row["cpu_seconds"] is not None]
    hours = sum(row["cpu_seconds"] for row in timed) / 3600
    tier1, reference = figures["tier1"], figures["reference_device"]
    there = f"ground truth of {tier1['made']} of {tier1['asked']} tier-1 sets"
    cpus = ", ".join(sorted({row["cpu"] for row in timed})) or "no timed CPU"
    spent = f"{hours:.4f} CPU-h on {cpus}"
    if not timed or any(reference not in row["device"] for row in rows):
        return Band(
            "not applicable", [f"{spent}; the budget is that of the reference machine ({reference})", there, check]
        )
    if tier1["made"] == tier1["asked"] > 0 and hours <= figures["budgets"]["ground_truth_green"]:
        return Band("green", [spent, there, check])
    pairs = {row["encoder"] for row in rows}, {row["dataset"] for row in rows}
    if len(pairs[0]) >= 2 and len(pairs[1]) >= 3:
        return Band("yellow", [spent, there, check])
    if hours > figures["budgets"]["ground_truth_green"]:
        return Band("red", [f"too expensive: {spent}", there, check])
    return Band("not applicable", [f"{there}: too few for a band", spent, check])


def tables(figures: Figures) -> list[Table]:
    """One row per set."""
    columns = (
        "set",
        "documents",
        "queries",
        "dimension",
        "k",
        "GFLOP",
        "CPU s",
        "per s",
        "checked",
        "agree",
        "worst",
    )
    return [
        table(
            "Exact neighbours",
            columns,
            [
                [
                    row["set"],
                    f"{row['documents']:,}",
                    f"{row['queries']:,}",
                    str(row["dimension"]),
                    str(row["k"]),
                    f"{row['flops'] / 1e9:.2f}",
                    number(row["cpu_seconds"], ".3f"),
                    number(row["cpu_seconds"] and row["flops"] / 1e9 / row["cpu_seconds"], ".1f"),
                    str(row["checked"]),
                    str(row["agreeing"]),
                    f"{row['worst']:.1e}",
                ]
                for row in figures["sets"]
            ],
        )
    ]


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Size of the product against time."""
    rows = [row for row in figures["sets"] if row["cpu_seconds"]]
    if not rows:
        return []
    return [
        draw.points(
            folder / "e4-cost.png",
            {row["set"]: ([row["flops"] / 1e9], [row["cpu_seconds"]]) for row in rows},
            ("GFLOP (2 · Q · N · d)", "CPU seconds, all queries"),
            "Cost of the exact search of all queries.",
        )
    ]
