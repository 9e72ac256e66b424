"""RaBitQ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binbench import Footprint, register
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm, random_rotation

if TYPE_CHECKING:
    import faiss


def _held(dimension: int, bits_per_dim: int) -> float:
    """Bits, and two factors; a third and three others for the further bits."""
    return dimension * bits_per_dim / 8 + (8 if bits_per_dim == 1 else 20)


@register("rabitq{bits_per_dim}", bits_per_dim=[1, 2, 4], held=_held)
class RaBitQ(FaissAlgorithm):
    """Signs of the randomly rotated, centred vector with factors that make the estimated product unbiased.

    Asymmetric, float query × code (Gao and Long, 2024; more than one bit per dimension: Gao et al., 2025; faiss
    `IndexRaBitQ`, which rounds the rotated query to 4 bits). Stores the codes, the factors of each vector, the centre
    and the rotation.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int, bits_per_dim: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.bits_per_dim = bits_per_dim
        self.training_limit = 65536

    def build(self) -> faiss.Index:
        import faiss

        self.transform_ = np.ascontiguousarray(random_rotation(self.dimension, self.seed).T)
        return faiss.IndexRaBitQ(self.dimension, self.metric_type, self.bits_per_dim)

    def decode(self, vectors: FloatArray) -> FloatArray | None:
        # faiss de-codes the signs and leaves the further bits out.
        return super().decode(vectors) if self.bits_per_dim == 1 else None

    def footprint(self) -> Footprint:
        codes = -(-self.dimension * self.bits_per_dim // 8)
        shared = 4 * self.dimension + 4 * self.dimension**2
        return Footprint(codes=codes, extras=self.index_.code_size - codes, shared=shared)
