"""Residual quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binbench import Footprint, register
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm, encoded

if TYPE_CHECKING:
    import faiss


@register("rq{bytes}", bytes=[8, 16, 32], held=lambda dimension, bytes: bytes)
class ResidualQuantization(FaissAlgorithm):
    """A sum of centroids, each one of 256 for what the sum so far has missed; one byte per term.

    Asymmetric, float query × code by look-up tables (Chen, Guan and Wang, 2010; beam search as in Liu et al., 2015;
    faiss `IndexResidualQuantizer`). Stores the codes and one codebook of 256 whole vectors per byte.
    """

    # Distances would need the length of each sum stored beside its code.
    metrics = ("angular", "ip")
    centroids = 256
    #: faiss' default for this quantizer.
    rounds = 10
    #: Partial sums kept in view while encoding, faiss' default. Training keeps one: with five its k-means run on five
    #: times as many residuals, for the same recall.
    beam = 5

    def __init__(self, dimension: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.bytes = bytes

    def build(self) -> faiss.Index:
        import faiss

        tables = faiss.AdditiveQuantizer.ST_LUT_nonorm
        index = faiss.IndexResidualQuantizer(self.dimension, self.bytes, 8, faiss.METRIC_INNER_PRODUCT, tables)
        self.seeded(index.rq.cp)
        index.rq.max_beam_size = 1
        # faiss' default grows each codebook dimension by dimension: ten times slower, and no better on unit vectors.
        # Its tables of products between codebooks would take 256 kB per pair and serve no search here.
        index.rq.train_type = faiss.ResidualQuantizer.Train_default | faiss.ResidualQuantizer.Skip_codebook_tables
        return index

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        super().train_index(index, train)
        index.rq.max_beam_size = self.beam

    def add(self, index: faiss.Index, block: FloatArray) -> None:
        index.add_sa_codes(encoded(index.sa_encode, block))

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.bytes * self.dimension)
