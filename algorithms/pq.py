"""Product quantization."""

from __future__ import annotations

from typing import TYPE_CHECKING

from binbench import Footprint, Unsupported, register
from binbench.faiss_index import FaissAlgorithm, seeded

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
        seeded(index.pq.cp, self.seed)
        return index

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.dimension)
