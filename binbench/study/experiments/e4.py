"""E4: the float ground truth, what it costs, and whether an independent route finds the same."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.report.render import Table
from binbench.sets.embeddings import EmbeddingSet
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import SetRow, counting, uncovered
from binbench.study.tables import listing, number

if TYPE_CHECKING:
    from binbench.study.study import Study, StudySet

#: Raised when the check changes.
SCHEMA = 2
HELD_OUT = 200
#: Two float32 searches of unit vectors agree in distance to this.
TOLERANCE = 2e-5


@dataclass(frozen=True, kw_only=True)
class Check:
    """What came of a second search.

    Attributes:
        checked: queries compared.
        agreeing: of them, those whose k distances agree and whose neighbours are the same but for ties.
        worst: the largest difference of distances.
    """

    checked: int
    agreeing: int
    worst: float


@dataclass(frozen=True, kw_only=True)
class CheckedSet(SetRow, Check):
    """The exact neighbours of a set: size of the product, what they cost where, and the check.

    Attributes:
        cpu_seconds, cpu: of the ground truth; of the same search by `float` where the set does not record them.
    """

    documents: int
    queries: int
    dimension: int
    k: int
    flops: int
    cpu_seconds: float | None
    cpu: str


@dataclass(frozen=True, kw_only=True)
class GroundTruth:
    """Every set, how many of tier 1 are asked for and made, and the CPU-hours that they may take."""

    sets: tuple[CheckedSet, ...]
    asked: int
    made: int
    budget: float


@experiment
class E4(Experiment[GroundTruth]):
    """Is what recall is measured against complete, right and affordable?"""

    id = "e4"
    title = "Float brute force: ground truth, cost, cross-check"
    figures = GroundTruth

    def measure(self, study: Study) -> GroundTruth:
        """A seeded subset of the queries is checked."""
        return GroundTruth(
            sets=tuple(_row(study, entry) for entry in study.sets),
            asked=sum(entry.tier == 1 for entry in study.asked),
            made=sum(entry.tier == 1 for entry in study.sets),
            budget=study.campaign.budgets.ground_truth_green,
        )

    def judge(self, figures: GroundTruth) -> Band:
        """Complete, consistent, and within the CPU-hours, on whatever machine they were spent."""
        rows = figures.sets
        checked, agreeing = sum(row.checked for row in rows), sum(row.agreeing for row in rows)
        check = f"{agreeing} of {checked} held-out queries agree with faiss' exhaustive search"
        if agreeing < checked:
            wrong = [row.set for row in rows if row.agreeing < row.checked]
            return Band("red", [f"inconsistent: {check}; not on {', '.join(wrong)}"])
        timed = [(row.cpu_seconds, row.cpu) for row in rows if row.cpu_seconds is not None]
        hours = sum(seconds for seconds, _ in timed) / 3600
        there = f"ground truth of {figures.made} of {figures.asked} tier-1 sets"
        spent = f"{hours:.4f} CPU-h on {', '.join(sorted({cpu for _, cpu in timed})) or 'no timed CPU'}"
        if hours > figures.budget:
            return Band("red", [f"too expensive, more than {figures.budget:g} CPU-h: {spent}", there, check])
        if len(timed) < len(rows) or not counting(rows):
            few = f"{len(timed)} of {len(rows)} sets are timed, {len(counting(rows))} are of an embedding model"
            return Band("not applicable", [f"too few for a band: {few}", spent, there, check])
        if figures.made == figures.asked > 0:
            return Band("green", [spent, there, check])
        if not uncovered(rows, datasets=3):
            return Band("yellow", [spent, there, check])
        return Band("not applicable", [f"{there}: too few for a band", spent, check])

    def tables(self, figures: GroundTruth) -> list[Table]:
        return [
            listing(
                "Exact neighbours",
                figures.sets,
                {
                    "set": lambda row: row.set,
                    "checked": lambda row: str(row.checked),
                    "agree": lambda row: str(row.agreeing),
                    "worst": lambda row: f"{row.worst:.1e}",
                    "documents": lambda row: f"{row.documents:,}",
                    "queries": lambda row: f"{row.queries:,}",
                    "dimension": lambda row: str(row.dimension),
                    "k": lambda row: str(row.k),
                    "GFLOP": lambda row: f"{row.flops / 1e9:.2f}",
                    "CPU s": lambda row: number(row.cpu_seconds, ".3f"),
                    "per s": lambda row: number(row.cpu_seconds and row.flops / 1e9 / row.cpu_seconds, ".1f"),
                    "CPU": lambda row: row.cpu,
                },
            )
        ]

    def plots(self, figures: GroundTruth, folder: Path) -> list[Plot]:
        costs = {row.set: ([row.flops / 1e9], [row.cpu_seconds]) for row in figures.sets if row.cpu_seconds}
        if not costs:
            return []
        return [
            draw.points(
                folder / "e4-cost.svg",
                costs,
                ("GFLOP (2 · Q · N · d)", "CPU seconds, all queries"),
                "Cost of the exact search of all queries.",
            )
        ]


def _row(study: Study, entry: StudySet) -> CheckedSet:
    vectors = entry.vectors
    n, d = vectors.train.shape
    queries, k = vectors.neighbors.shape
    key = {"set": vectors.fingerprint, "schema": SCHEMA, "held_out": HELD_OUT}
    check = study.cached("e4", key, Check, partial(cross_check, vectors))
    spent, cpu = entry.attributes.get("neighbors_cpu_seconds"), str(entry.attributes.get("neighbors_cpu", ""))
    if spent is None and (record := next(iter(entry.records.get("float", [])), None)) and record.seconds_per_query:
        spent, cpu = record.seconds_per_query * queries * record.threads, record.provenance["machine"]["cpu"]
    return CheckedSet(
        **entry.labels(),
        **vars(check),
        documents=n,
        queries=queries,
        dimension=d,
        k=k,
        flops=2 * queries * n * d,
        cpu_seconds=spent,
        cpu=cpu,
    )


def cross_check(embeddings: EmbeddingSet, held_out: int = HELD_OUT, seed: int = 0) -> Check:
    """The stored neighbours of a seeded subset of queries against faiss' exhaustive search of the same vectors."""
    import faiss

    rng = Generator(PCG64(seed))
    test, k = embeddings.test, embeddings.neighbors.shape[1]
    chosen = np.sort(rng.choice(len(test), min(held_out, len(test)), replace=False))
    euclidean = embeddings.distance == "euclidean"
    metric = faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT
    scores, ids = faiss.knn(np.ascontiguousarray(test[chosen]), embeddings.train, k, metric=metric)
    distances = np.sqrt(np.maximum(scores, 0)) if euclidean else (embeddings.distance == "angular") - scores
    stored, neighbors = embeddings.distances[chosen], embeddings.neighbors[chosen]
    apart = np.abs(distances.astype(np.float64) - stored)
    same = _same_but_for_ties(stored, neighbors, ids, TOLERANCE * max(1.0, float(stored.max(initial=0))))
    agreeing = (apart.max(axis=1) <= TOLERANCE * np.maximum(1, stored[:, -1])) & same
    return Check(checked=len(chosen), agreeing=int(agreeing.sum()), worst=float(apart.max(initial=0)))


def _same_but_for_ties(
    distances: NDArray[np.floating], ours: NDArray[np.integer], theirs: NDArray[np.integer], tolerance: float
) -> NDArray[np.bool_]:
    """(Q,) whether every stored neighbour that is clearly nearer than the last one is among `theirs`."""
    clear = distances < distances[:, -1:] - tolerance
    found = np.array([np.isin(own, other) for own, other in zip(ours, theirs, strict=True)])
    return np.asarray((found | ~clear).all(axis=1))
