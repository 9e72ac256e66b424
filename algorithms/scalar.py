"""A few bits per dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binbench import Footprint, register
from binbench.plugins.algorithm import FloatArray, Ids
from binbench.plugins.faiss_index import FaissAlgorithm, blocks, sample_rows

if TYPE_CHECKING:
    import faiss


@register("int8", bits=8, held=lambda dimension, bits: dimension * bits / 8)
@register("int6", bits=6, held=lambda dimension, bits: dimension * bits / 8)
@register("int4", bits=4, held=lambda dimension, bits: dimension * bits / 8)
class Scalar(FaissAlgorithm):
    """Each dimension cut into even steps between its smallest and largest value among the documents.

    Asymmetric: float query × de-scaled code, so that every dimension keeps its weight (faiss `QT_8bit`, `QT_6bit`,
    `QT_4bit`); values outside the range are clipped. Stores the codes and the two ends of each range.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int, bits: int) -> None:
        super().__init__(dimension)
        self.bits = bits

    def build(self) -> faiss.Index:
        import faiss

        quantizer = getattr(faiss.ScalarQuantizer, f"QT_{self.bits}bit")
        return faiss.IndexScalarQuantizer(self.dimension, quantizer, self.metric_type)

    def train_index(self, index: faiss.Index, train: FloatArray) -> None:
        # Two rows that span the ranges teach faiss the same as all documents do, without holding them in memory.
        sample = sample_rows(train, None, 0)
        index.train(np.stack(value_ranges(sample)))
        self.facts["training_rows"] = len(sample)

    def footprint(self) -> Footprint:
        return Footprint(codes=-(-self.dimension * self.bits // 8), shared=2 * 4 * self.dimension)


def value_ranges(train: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The smallest and the largest value of each dimension, (d,) float32 each."""
    ends = [(block.min(axis=0), block.max(axis=0)) for block in blocks(train)]
    return np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)


@register("int8-minmax", held=lambda dimension: dimension)
class MinMaxCodes(FaissAlgorithm):
    """Codes on per-dimension scales compared directly, as sentence-transformers' `quantize_embeddings` makes them.

    Symmetric, int8 code × int8 code: documents and queries are cut into 255 steps between the documents' smallest and
    largest value of each dimension and the integers are multiplied, so that every dimension weighs by the inverse
    square of its range: another metric. Values outside the range are clipped (there they wrap around). Stores the
    codes and the two ends of each range.
    """

    scoring = "symmetric"
    score_scale = "own"

    def build(self) -> faiss.Index:
        import faiss

        direct = faiss.ScalarQuantizer.QT_8bit_direct_signed
        return faiss.IndexScalarQuantizer(self.dimension, direct, faiss.METRIC_INNER_PRODUCT)

    def fit(self, train: FloatArray) -> None:
        self.facts.clear()
        index = self.build()
        with self.stage("train"):
            sample = sample_rows(train, None, 0)
            self.low_, self.high_ = value_ranges(sample)
            self.facts["training_rows"] = len(sample)
        with self.stage("encode"):
            for block in blocks(train):
                index.add(self.codes(block))
        self.index_ = index

    def codes(self, vectors: FloatArray) -> FloatArray:
        """(n, d) whole numbers from -128 to 127, as float32."""
        steps = (self.high_ - self.low_) / np.float32(255)
        # A dimension without a range says nothing: all its codes are equal.
        scaled = (vectors - self.low_) / np.where(steps > 0, steps, 1)
        return np.trunc(np.clip(scaled, 0, 255) - 128)

    def decode(self, vectors: FloatArray) -> FloatArray:
        """The whole numbers themselves."""
        return self.codes(vectors)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        return super().search(self.codes(queries), k)

    def footprint(self) -> Footprint:
        return Footprint(codes=self.dimension, shared=2 * 4 * self.dimension)
