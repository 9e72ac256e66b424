"""usearch, where it is installed."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register
from binbench.plugins.algorithm import Answer, FloatArray, Ids
from binbench.plugins.faiss_index import blocks, ranked
from binbench.plugins.libraries import library

#: The levels of usearch's names: f16 and i8 rank by cosine, b1 holds the signs of the coordinates.
_BYTES = {"f16": 2.0, "i8": 1.0, "b1": 0.125}


class Kind(str):
    """A scalar type of usearch."""

    expression = "f16|i8|b1"


@register("usearch-{kind}", kind=[Kind(kind) for kind in _BYTES])
class USearch(Algorithm):
    """A navigable small-world graph over half-precision, 8-bit or 1-bit vectors, by the `usearch` library.

    Code × code: queries are rounded as documents are (`f16` and `i8` by cosine, `b1` signs by Hamming distance). Query
    argument `expansion_search`, the nodes kept in view; 0 searches exhaustively instead. Stores the codes and the
    graph, with usearch's own 16 links and `expansion_add` 128.
    """

    libraries = ("usearch", "numkong")
    metrics = ("angular", "euclidean", "ip")
    scoring = "symmetric"
    score_scale = "own"
    query_grid: ClassVar = {"expansion_search": [16, 64, 256, 0]}
    at_least_k = ("expansion_search",)
    exhaustive = False

    def __init__(self, dimension: int, kind: str) -> None:
        library("usearch.index", "usearch")
        if kind == "b1" and dimension % 8:
            raise Unsupported(f"usearch holds bits in whole bytes: the dimension {dimension} does not divide by 8")
        self.dimension = dimension
        self.kind = str(kind)
        self.expansion_search = 64

    def fit(self, train: FloatArray) -> None:
        self.facts.clear()
        if self.metric != "angular" and self.kind != "f16":
            raise Unsupported(f"usearch's {self.kind} holds directions, not lengths, and ranks by angle only")
        metric = "hamming" if self.kind == "b1" else {"angular": "cos", "euclidean": "l2sq"}.get(self.metric, "ip")
        index = library("usearch.index", "usearch").Index(ndim=self.dimension, metric=metric, dtype=self.kind)
        with self.stage("encode"):
            for start, block in zip(range(0, len(train), 65536), blocks(train), strict=True):
                # Several threads add nodes in an order of their own.
                index.add(np.arange(start, start + len(block)), self.given(block), threads=1)
        self.index_ = index

    def given(self, vectors: FloatArray) -> Any:
        """`vectors` as usearch takes them: float32, or bits in (n, d / 8) uint8."""
        return np.packbits(vectors > 0, axis=1) if self.kind == "b1" else np.ascontiguousarray(vectors)

    def query(self, queries: FloatArray, k: int) -> Answer:
        return ranked(self.search, queries, k, len(self.index_), self.exhaustive)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The index's own `k` results; scores are negative distances."""
        if self.expansion_search:
            self.index_.expansion_search = self.expansion_search
        exact = not self.expansion_search
        # One call takes one query or several, and answers in another shape for one.
        found = self.index_.search(np.atleast_2d(self.given(queries)), k, exact=exact, threads=1)
        keys, distances = np.atleast_2d(found.keys), np.atleast_2d(found.distances)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        ids = np.full((len(queries), k), -1, np.int64)
        counts = np.atleast_1d(getattr(found, "counts", len(found)))
        width = keys.shape[1]
        there = np.arange(width) < counts[:, None]
        scores[:, :width] = np.where(there, -distances, -np.inf)
        ids[:, :width] = np.where(there, keys.astype(np.int64), -1)
        return scores, ids

    def footprint(self) -> Footprint:
        codes = self.dimension * _BYTES[self.kind]
        count = max(1, len(self.index_))
        return Footprint(codes=codes, extras=self.index_.serialized_length / count - codes)
