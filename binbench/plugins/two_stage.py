"""Searching small codes for candidates, then ranking these by a better copy of the vectors."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from binbench.plugins.algorithm import Algorithm, Answer, FloatArray, Footprint, Ids
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.top import places_of_best


class TwoStage(Algorithm):
    """A method whose first stage names rows and whose second ranks the best `candidates`; a subclass gives both.

    A subclass fits `first_` (any Algorithm) and scores candidates in `rescore`. The query argument `candidates` is a
    number of rows, whatever k is: so many lead, ranked by `rescore`, and what is asked for beyond them follows in the
    first stage's order. recall@10 is then what a system that re-scores so many gets, at any k.
    """

    query_grid: ClassVar = {"candidates": [20, 40, 100, 250, 1000]}
    first_: Algorithm

    def __init__(self, dimension: int, seed: int = 0) -> None:
        self.dimension = dimension
        self.seed = seed
        self.candidates = 100

    @abstractmethod
    def rescore(self, query: FloatArray, rows: Ids) -> FloatArray:
        """The (n,) scores, larger is better, of the `rows` for one (d,) `query`."""

    def query(self, queries: FloatArray, k: int) -> Answer:
        """The first stage's best `candidates` rows by `rescore`, ties by row number; then its others.

        The others' scores only say that they come later.
        """
        chosen, given = self.first_.query(queries, max(k, self.candidates))
        if self.candidates > k and (chosen[:, -1:] < 0).any():
            self.note("all documents are re-scored: there are fewer than candidates")
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        for i, (query, row) in enumerate(zip(queries, chosen, strict=True)):
            leading = row[: self.candidates]
            rows = np.sort(leading[leading >= 0])
            found = self.rescore(query, rows)
            best = places_of_best(found, k)
            ids[i, : len(best)] = rows[best]
            scores[i, : len(best)] = found[best]
            if len(best) < k and len(rows) == self.candidates:
                rest = slice(self.candidates, k)
                ids[i, rest] = row[rest]
                scores[i, rest] = _below(found.min(), given[i, rest], row[rest])
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
            stage.metric = self.metric
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
            return scores if self.metric != "euclidean" else -scores
        codes = faiss.rev_swig_ptr(index.codes.data(), index.codes.size()).reshape(-1, index.code_size)
        # Unlike a BLAS product, einsum gives equal rows equal scores, whatever their place in the block.
        return np.einsum("nd,d->n", index.sa_decode(codes[rows]), query)

    def footprint(self) -> Footprint:
        """The first stage's bytes, with the second's vectors as the re-scoring store."""
        first, store = self.first_.footprint(), self.store_.footprint()
        return Footprint(first.codes, first.extras, first.shared + store.shared, round(store.per_vector))


def _below(bottom: np.float32, given: FloatArray, rows: Ids) -> FloatArray:
    """Scores under `bottom` that fall wherever those `given` do; -inf where `rows` pads."""
    falls = np.concatenate([[1], given[1:] < given[:-1]]).cumsum()
    # A step that float32 can tell at this size.
    scores = bottom - np.float32(1e-6 * max(1.0, abs(float(bottom)))) * falls.astype(np.float32)
    return np.where(rows >= 0, scores, -np.inf).astype(np.float32)
