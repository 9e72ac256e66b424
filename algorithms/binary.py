"""Binary codes of random projections, compared by Hamming distance."""

from __future__ import annotations

from binbench import Algorithm, Footprint, register
from binbench.algorithm import Answer, FloatArray, Ids
from binbench.codes import hamming
from binbench.codes.binarize import encode
from binbench.codes.packing import Words
from binbench.codes.projections import projection


@register("binary{bits}", bits=[64, 128, 256, 512])
class RandomProjectionBinary(Algorithm):
    """Sign of a Gaussian random projection, searched by Hamming distance.

    Symmetric, code × code: the share of equal bits estimates the angle (Charikar, 2002). Stores whole uint64 words per
    vector, and the projection in float64; nothing is learned.
    """

    scoring = "symmetric"

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.projection = projection("gaussian", dimension, bits, seed)

    def fit(self, train: FloatArray) -> None:
        """Encode every row of `train`."""
        self.facts.clear()
        with self.stage("encode"):
            self.codes_: Words = encode(train, self.projection)

    def query(self, queries: FloatArray, k: int) -> Answer:
        """Rank by Hamming distance h; scores are 1 - 2·h/bits."""
        bits = self.projection.bits
        rows, found = hamming.knn(encode(queries, self.projection), self.codes_, bits, k)
        return rows, hamming.similarities(found, bits)

    def tied(self, queries: FloatArray, k: int) -> tuple[Ids, FloatArray, Ids]:
        """Every row at most as far as the query's `k`-th nearest."""
        bits = self.projection.bits
        rows, found, offsets = hamming.tied(encode(queries, self.projection), self.codes_, bits, k)
        return rows, hamming.similarities(found, bits), offsets

    def footprint(self) -> Footprint:
        return Footprint(codes=8 * self.codes_.shape[1], shared=self.projection.nbytes)
