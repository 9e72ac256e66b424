"""Searching small codes for candidates, then ranking these by a better copy of the vectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from binbench.plugins.algorithm import Algorithm, Answer, FloatArray, Footprint, Ids
from binbench.plugins.faiss_index import FaissAlgorithm


class TwoStage(Algorithm):
    """A method whose first stage names `candidates` · k rows and whose second ranks these; a subclass gives both.

    A subclass fits `first_` (any Algorithm) and scores candidates in `rescore`. The query argument
    `candidates` is the multiple of k.
    """

    query_grid: ClassVar = {"candidates": [2, 4, 10, 25]}
    first_: Algorithm

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.dimension = dimension
        self.seed = seed
        self.candidates = 4

    @abstractmethod
    def rescore(self, query: FloatArray, rows: Ids) -> FloatArray:
        """The (n,) scores, larger is better, of the `rows` for one (d,) `query`."""

    def query(self, queries: FloatArray, k: int) -> Answer:
        """The best `k` of the first stage's `candidates` · k rows by `rescore`, ties by row number."""
        chosen, _ = self.first_.query(queries, k * self.candidates)
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for i, (query, row) in enumerate(zip(queries, chosen, strict=True)):
            rows = np.sort(row[row >= 0])
            found = self.rescore(query, rows)
            best = _best(found, k)
            ids[i, : len(best)] = rows[best]
            scores[i, : len(best)] = found[best]
        return ids, scores


class Rescored(TwoStage):
    """Two stages that are methods of their own; the second only keeps a faiss index of codes.

    Scoring is asymmetric, float query × de-coded vector.
    """

    score_scale = "cosine"

    def __init__(self, dimension: int, first: Algorithm, store: FaissAlgorithm, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.first_ = first
        self.store_ = store

    def fit(self, train: FloatArray) -> None:
        """Fit both stages on `train`."""
        self.facts.clear()
        for stage in (self.first_, self.store_):
            stage.fit(train)
            for fact, value in stage.facts.items():
                self.facts[fact] = self.facts.get(fact, 0.0) + value if fact.endswith("_seconds") else value

    def rescore(self, query: FloatArray, rows: Ids) -> FloatArray:
        import faiss

        index = self.store_.index_
        if isinstance(index, faiss.IndexFlat):
            scores, query = np.empty(len(rows), np.float32), np.ascontiguousarray(query, dtype=np.float32)
            found, named = faiss.swig_ptr(scores), faiss.swig_ptr(rows)
            index.compute_distance_subset(1, faiss.swig_ptr(query), len(rows), found, named)
            return scores
        codes = faiss.rev_swig_ptr(index.codes.data(), index.codes.size()).reshape(-1, index.code_size)
        # Unlike a BLAS product, einsum gives equal rows equal scores, whatever their place in the block.
        return np.einsum("nd,d->n", index.sa_decode(codes[rows]), query)

    def footprint(self) -> Footprint:
        """The first stage's bytes, with the second's vectors as the re-scoring store."""
        first, store = self.first_.footprint(), self.store_.footprint()
        return Footprint(first.codes, first.extras, first.shared + store.shared, round(store.per_vector))


def _best(scores: FloatArray, k: int) -> Ids:
    """The places of the `k` largest `scores`, largest first, equal ones in order."""
    if k >= len(scores):
        return np.argsort(-scores, kind="stable")
    # Only what reaches the k-th largest is worth sorting.
    kept = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return kept[np.argsort(-scores[kept], kind="stable")[:k]]
