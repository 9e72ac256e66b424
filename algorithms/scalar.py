"""A few bits per dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binbench import Footprint, register
from binbench.faiss_index import FaissAlgorithm, blocks

if TYPE_CHECKING:
    import faiss


@register("int8", bits=8)
@register("int6", bits=6)
@register("int4", bits=4)
class Scalar(FaissAlgorithm):
    """Each dimension cut into even steps between its smallest and largest value among the documents.

    Asymmetric: float query × de-scaled code, so that every dimension keeps its weight (faiss `QT_8bit`, `QT_6bit`,
    `QT_4bit`); values outside the range are clipped. Stores the codes and the two ends of each range.
    """

    def __init__(self, dimension: int, bits: int) -> None:
        super().__init__(dimension)
        self.bits = bits

    def build(self) -> faiss.Index:
        import faiss

        quantizer = getattr(faiss.ScalarQuantizer, f"QT_{self.bits}bit")
        return faiss.IndexScalarQuantizer(self.dimension, quantizer, faiss.METRIC_INNER_PRODUCT)

    def train_index(self, index: faiss.Index, train: np.ndarray) -> None:
        # Two rows that span the ranges teach faiss the same as all documents do, without holding them in memory.
        index.train(np.stack(value_ranges(train)))
        self.facts["training_rows"] = len(train)

    def footprint(self) -> Footprint:
        return Footprint(codes=-(-self.dimension * self.bits // 8), shared=2 * 4 * self.dimension)


def value_ranges(train: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The smallest and the largest value of each dimension, (d,) float32 each."""
    ends = [(block.min(axis=0), block.max(axis=0)) for block in blocks(train)]
    return np.min([low for low, _ in ends], axis=0), np.max([high for _, high in ends], axis=0)
