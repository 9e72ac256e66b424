"""What the methods that are searched by Hamming distance have in common."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from binbench.codes import hamming
from binbench.codes.binarize import Values, encode
from binbench.codes.packing import Words, unpack
from binbench.codes.projections import Projection
from binbench.plugins.algorithm import Algorithm, Answer, FloatArray, Footprint, Ids


class HammingCodes(Algorithm):
    """A method whose codes are the bits of a projection above thresholds: a subclass sets `projection`.

    Symmetric, code × code. A subclass that learns overrides `learn`, which sets `projection` or `thresholds_`.
    """

    scoring: ClassVar[Literal["symmetric", "asymmetric"]] = "symmetric"
    score_scale: ClassVar[Literal["cosine", "hamming", "own"]] = "hamming"
    projection: Projection
    thresholds_: Values | None = None

    def learn(self, train: FloatArray) -> None:
        """Set what is learned from the documents; nothing by default."""

    def fit(self, train: FloatArray) -> None:
        """Learn, and encode every row of `train`."""
        self.facts.clear()
        with self.stage("train"):
            self.learn(train)
        with self.stage("encode"):
            self.codes_ = self.encode(train)

    def encode(self, vectors: FloatArray) -> Words:
        """(n, words) uint64 codes of (n, d) vectors."""
        return encode(vectors, self.projection, self.thresholds_)

    def query(self, queries: FloatArray, k: int) -> Answer:
        """Rank by Hamming distance h; scores are 1 - 2·h/bits."""
        rows, found = hamming.knn_unchecked(self.encode(queries), self.codes_, self.projection.bits, k)
        return rows, hamming.similarities(found, self.projection.bits)

    def tied(self, queries: FloatArray, k: int) -> tuple[Ids, FloatArray, Ids]:
        """Every row at most as far as the query's `k`-th nearest."""
        rows, found, offsets = hamming.tied(self.encode(queries), self.codes_, self.projection.bits, k)
        return rows, hamming.similarities(found, self.projection.bits), offsets

    def decode(self, vectors: FloatArray) -> FloatArray:
        """(n, bits) ±1."""
        return 2 * unpack(self.encode(vectors), self.projection.bits).astype(np.float32) - 1

    def footprint(self) -> Footprint:
        """Whole words of bits; the projection and the thresholds."""
        thresholds = 0 if self.thresholds_ is None else self.thresholds_.nbytes
        return Footprint(codes=8 * self.codes_.shape[1], shared=self.projection.nbytes + thresholds)
