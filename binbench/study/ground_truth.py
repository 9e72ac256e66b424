"""Whether an independent route finds the neighbours that a set holds."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.sets.embeddings import EmbeddingSet

HELD_OUT = 200
#: Two float32 searches of unit vectors agree in distance to this.
TOLERANCE = 2e-5


@dataclass(frozen=True, kw_only=True)
class Check:
    """What came of it.

    Attributes:
        checked: queries compared.
        agreeing: of them, those whose k distances agree and whose neighbours are the same but for ties.
        worst: the largest difference of distances.
        check_cpu_seconds: spent on the search.
    """

    checked: int
    agreeing: int
    worst: float
    check_cpu_seconds: float


def cross_check(embeddings: EmbeddingSet, held_out: int = HELD_OUT, seed: int = 0) -> Check:
    """The stored neighbours of a seeded subset of queries against faiss' exhaustive search of the same vectors."""
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
    return Check(
        checked=len(chosen),
        agreeing=int(agreeing.sum()),
        worst=float(apart.max(initial=0)),
        check_cpu_seconds=spent,
    )


def _same_but_for_ties(
    distances: NDArray[np.floating], ours: NDArray[np.integer], theirs: NDArray[np.integer], tolerance: float
) -> NDArray[np.bool_]:
    """(Q,) whether every stored neighbour that is clearly nearer than the last one is among `theirs`."""
    clear = distances < distances[:, -1:] - tolerance
    found = np.array([np.isin(own, other) for own, other in zip(ours, theirs, strict=True)])
    return np.asarray((found | ~clear).all(axis=1))
