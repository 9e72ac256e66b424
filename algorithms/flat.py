"""Vectors searched as they are: the yardstick, at 32 and 16 bits per dimension, and on fewer dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binbench import Footprint, Unsupported, register
from binbench.plugins.faiss_index import FaissAlgorithm

if TYPE_CHECKING:
    import faiss


@register("float", held=lambda dimension: 4 * dimension)
class Float(FaissAlgorithm):
    """Exhaustive search of the float32 vectors: exact, 4 bytes per dimension.

    Float query × float vector (faiss `IndexFlat`); stores the vectors themselves.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)

    def build(self) -> faiss.Index:
        import faiss

        return faiss.IndexFlat(self.dimension, self.metric_type)

    def footprint(self) -> Footprint:
        return Footprint(codes=4 * self.dimension)


@register("float16", held=lambda dimension: 2 * dimension)
class Half(FaissAlgorithm):
    """Vectors rounded to IEEE 754 half precision, 2 bytes per dimension.

    Asymmetric, float query × de-coded vector (faiss `QT_fp16`); stores the rounded vectors.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)

    def build(self) -> faiss.Index:
        import faiss

        return faiss.IndexScalarQuantizer(self.dimension, faiss.ScalarQuantizer.QT_fp16, self.metric_type)

    def footprint(self) -> Footprint:
        return Footprint(codes=2 * self.dimension)


@register("pca{dims}", dims=[64, 128, 192, 256], held=lambda dimension, dims: 4 * dims)
class PCA(FaissAlgorithm):
    """The leading principal components of the documents as float32, 4 bytes per component kept.

    Float × float inner product of the projections P·q and P·x (Pearson, 1901). Nothing is centred, so that with all
    components kept the product is that of the original vectors. Stores the components and P.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int, dims: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        if dims > dimension:
            raise Unsupported(f"{dims} components need at least {dims} dimensions, the set has {dimension}")
        self.dims = dims
        self.training_limit = 1000 * dimension

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexFlat(self.dims, self.metric_type)
        index.is_trained = False
        return index

    def train_index(self, index: faiss.Index, train: np.ndarray) -> None:
        import faiss

        if len(train) < self.dims:
            raise Unsupported(f"{len(train)} documents are too few for {self.dims} principal components")
        pca = faiss.PCAMatrix(self.dimension, self.dims)
        pca.train(self.training_sample(train))
        components = faiss.vector_to_array(pca.A)[: self.dims * self.dimension]
        self.transform_ = np.ascontiguousarray(components.reshape(self.dims, self.dimension).T)
        index.is_trained = True

    def footprint(self) -> Footprint:
        return Footprint(codes=4 * self.dims, shared=4 * self.dims * self.dimension)
