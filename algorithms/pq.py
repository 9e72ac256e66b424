"""Product quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binbench import Footprint, Unsupported, register
from binbench.algorithm import FloatArray
from binbench.faiss_index import FaissAlgorithm, random_rotation

if TYPE_CHECKING:
    import faiss


@register("pq{bytes}", bytes=[8, 16, 32, 64])
class ProductQuantization(FaissAlgorithm):
    """One of 256 k-means centroids per sub-vector, one byte each.

    Asymmetric, float query × code by look-up tables (Jégou, Douze and Schmid, 2011; faiss `IndexPQ`). Stores the codes
    and the codebooks, 4 · 256 · d bytes.
    """

    centroids = 256

    def __init__(self, dimension: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        if dimension % bytes:
            raise Unsupported(f"the dimension {dimension} does not divide into {bytes} sub-vectors")
        self.bytes = bytes

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexPQ(self.dimension, self.bytes, 8, faiss.METRIC_INNER_PRODUCT)
        self.seeded(index.pq.cp)
        return index

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.dimension)


@register("opq{bytes}", bytes=[8, 16, 32, 64])
class OptimizedProductQuantization(ProductQuantization):
    """Product quantization after the rotation that suits it best.

    Asymmetric, float query × code by look-up tables (Ge, He, Ke and Sun, 2013; faiss `OPQMatrix` and `IndexPQ`).
    Stores the codes, the codebooks and the rotation, 4 · d² bytes.
    """

    #: Turns of rotation and codebooks; the rest of faiss' 50 cost minutes and move recall by less than the seed does.
    turns = 20

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexPQ(self.dimension, self.bytes, 8, faiss.METRIC_INNER_PRODUCT)
        self.trainer_ = faiss.ProductQuantizer(self.dimension, self.bytes, 8)
        for parameters in (index.pq.cp, self.trainer_.cp):
            self.seeded(parameters)
        self.rotation_ = faiss.OPQMatrix(self.dimension, self.bytes)
        self.rotation_.pq = self.trainer_
        self.rotation_.niter, self.rotation_.niter_pq_0 = self.turns, self.rounds
        faiss.copy_array_to_vector(random_rotation(self.dimension, self.seed).ravel(), self.rotation_.A)
        return faiss.IndexPreTransform(self.rotation_, index)

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        super().train_index(index, train)
        self.rotation_.pq = None
        del self.trainer_

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.dimension + 4 * self.dimension**2)


@register("pqfs{bytes}", bytes=[8, 16, 32, 64])
class FastScan(FaissAlgorithm):
    """Product quantization with 4-bit codes, two to a byte, whose look-up tables stay in the processor's registers.

    Asymmetric, float query × code by tables rounded to 8 bits (André, Kermarrec and Le Scouarnec, 2015; faiss
    `IndexPQFastScan`). Stores the codes, in whole blocks of 32 vectors, and the codebooks, 4 · 16 · d bytes.
    """

    centroids = 16

    def __init__(self, dimension: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        if dimension % (2 * bytes):
            raise Unsupported(f"the dimension {dimension} does not divide into {2 * bytes} sub-vectors")
        self.bytes = bytes

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexPQFastScan(self.dimension, 2 * self.bytes, 4, faiss.METRIC_INNER_PRODUCT)
        self.seeded(index.pq.cp)
        return index

    def footprint(self) -> Footprint:
        held = self.index_.codes.size()
        padding = held / max(1, self.index_.ntotal) - self.bytes
        return Footprint(codes=self.bytes, extras=padding, shared=4 * 16 * self.dimension)
