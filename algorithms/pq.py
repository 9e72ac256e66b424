"""Product quantization."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from binbench import Footprint, Unsupported, register
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm, encoded, random_rotation

if TYPE_CHECKING:
    import faiss


@register("pq{bytes}", bytes=[8, 16, 32, 64], held=lambda dimension, bytes: bytes)
class ProductQuantization(FaissAlgorithm):
    """One of 256 k-means centroids per sub-vector, one byte each.

    Asymmetric, float query × code by look-up tables (Jégou, Douze and Schmid, 2011; faiss `IndexPQ`). Stores the codes
    and the codebooks, 4 · 256 · d bytes.
    """

    metrics = ("angular", "euclidean", "ip")
    centroids = 256

    def __init__(self, dimension: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        if dimension % bytes:
            raise Unsupported(f"the dimension {dimension} does not divide into {bytes} sub-vectors")
        self.bytes = bytes

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexPQ(self.dimension, self.bytes, 8, self.metric_type)
        self.seeded(index.pq.cp)
        return index

    def add(self, index: faiss.Index, block: FloatArray) -> None:
        index.add_sa_codes(encoded(partial(codes_of, index.pq), block))

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.dimension)


def codes_of(quantizer: faiss.ProductQuantizer, vectors: FloatArray) -> NDArray[np.uint8]:
    """The (n, bytes) codes of `vectors`, by one exhaustive search per sub-vector.

    The same codes as `compute_codes` gives, which goes vector by vector where sub-vectors are short and takes about
    ten times as long.
    """
    import faiss

    codes = np.empty((len(vectors), quantizer.code_size), np.uint8)
    quantizer.assign_index = nearest = faiss.IndexFlatL2(quantizer.dsub)
    try:
        pointers = faiss.swig_ptr(vectors), faiss.swig_ptr(codes)
        quantizer.compute_codes_with_assign_index(*pointers, len(vectors))
    finally:
        quantizer.assign_index = None
        del nearest
    return codes


@register("opq{bytes}", bytes=[8, 16, 32, 64], held=lambda dimension, bytes: bytes)
class OptimizedProductQuantization(ProductQuantization):
    """Product quantization after the rotation that suits it best.

    Asymmetric, float query × code by look-up tables (Ge, He, Ke and Sun, 2013; faiss `OPQMatrix` and `IndexPQ`).
    Stores the codes, the codebooks and the rotation, 4 · d² bytes.
    """

    #: Turns of rotation and codebooks, as in faiss' `OPQMatrix`.
    turns = 50

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        """Alternate one k-means step of the codebooks with the rotation that fits them best (Procrustes).

        `OPQMatrix` does the same, several times slower: its encoding is not :func:`codes_of`.
        """
        import faiss

        sample = self.training_sample(train)
        quantizer = index.pq
        rotation = random_rotation(self.dimension, self.seed)
        for turn in range(self.turns + 1):
            rotated = np.ascontiguousarray(sample @ rotation)
            quantizer.train(rotated)
            quantizer.train_type = faiss.ProductQuantizer.Train_hot_start
            quantizer.cp.niter = 1
            if turn < self.turns:
                u, _, vt = np.linalg.svd(sample.T @ quantizer.decode(codes_of(quantizer, rotated)))
                rotation = np.ascontiguousarray(u @ vt, dtype=np.float32)
        self.transform_ = rotation
        index.is_trained = True

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, shared=4 * 256 * self.dimension + 4 * self.dimension**2)


@register("pqfs{bytes}", bytes=[8, 16, 32, 64], held=lambda dimension, bytes: bytes)
class FastScan(FaissAlgorithm):
    """Product quantization with 4-bit codes, two to a byte, whose look-up tables stay in the processor's registers.

    Asymmetric, float query × code by tables rounded to 8 bits (André, Kermarrec and Le Scouarnec, 2015; faiss
    `IndexPQFastScan`). Stores the codes, in whole blocks of 32 vectors, and the codebooks, 4 · 16 · d bytes.
    """

    metrics = ("angular", "euclidean", "ip")
    centroids = 16

    def __init__(self, dimension: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        if dimension % (2 * bytes):
            raise Unsupported(f"the dimension {dimension} does not divide into {2 * bytes} sub-vectors")
        self.bytes = bytes

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexPQFastScan(self.dimension, 2 * self.bytes, 4, self.metric_type)
        self.seeded(index.pq.cp)
        return index

    def footprint(self) -> Footprint:
        held = self.index_.codes.size()
        padding = held / max(1, self.index_.ntotal) - self.bytes
        return Footprint(codes=self.bytes, extras=padding, shared=4 * 16 * self.dimension)
