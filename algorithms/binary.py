"""Binary codes of random projections, compared by Hamming distance."""

from __future__ import annotations

import numpy as np

from binbench import Algorithm, Footprint, register
from binbench.codes import BinaryEmbeddingEngine
from binbench.codes.hamming import similarities
from binbench.codes.packing import unpack
from binbench.plugins.algorithm import Answer, FloatArray, Ids


@register("binary{bits}", bits=[64, 128, 256, 512])
class RandomProjectionBinary(Algorithm):
    """Sign of a Gaussian random projection, searched by Hamming distance.

    Symmetric, code × code: the share of equal bits estimates the angle (Charikar, 2002). Stores whole uint64 words per
    vector, and the projection in float64; nothing is learned.
    """

    scoring = "symmetric"
    score_scale = "hamming"

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.dimension = dimension
        self.bits = bits
        self.seed = seed

    def fit(self, train: FloatArray) -> None:
        """Encode every row of `train`."""
        self.facts.clear()
        with self.stage("encode"):
            self.engine_ = BinaryEmbeddingEngine(self.bits, seed=self.seed).fit(train)

    def query(self, queries: FloatArray, k: int) -> Answer:
        """Rank by Hamming distance h; scores are 1 - 2·h/bits."""
        rows, distances = self.engine_.search(queries, k)
        return rows, similarities(distances, self.bits)

    def tied(self, queries: FloatArray, k: int) -> tuple[Ids, FloatArray, Ids]:
        """Every row at most as far from the query as its `k`-th nearest."""
        rows, distances, offsets = self.engine_.tied(queries, k)
        return rows, similarities(distances, self.bits), offsets

    def decode(self, vectors: FloatArray) -> FloatArray:
        """(n, bits) ±1."""
        return 2 * unpack(self.engine_.encode(vectors).packed, self.bits).astype(np.float32) - 1

    def footprint(self) -> Footprint:
        return Footprint(codes=8 * self.engine_.codes_.packed.shape[1], shared=self.engine_.projection_.nbytes)
