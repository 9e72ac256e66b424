"""Sign codes met by the query's own floats."""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from binbench import Footprint, register
from binbench.codes.projections import projection
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.levels import LevelAlgorithm


@register(
    "binary{bits}-asym",
    bits=[64, 128, 256, 512],
    projected="gaussian",
    held=lambda dimension, bits, projected: bits / 8,
)
@register(
    "ortho{bits}-asym",
    bits=[64, 128, 256, 512],
    projected="orthonormal",
    held=lambda dimension, bits, projected: bits / 8,
)
@register("sign-asym", projected="identity", held=lambda dimension, projected: dimension / 8)
class AsymmetricSigns(LevelAlgorithm):
    """The codes of `binary`, `ortho` or `sign`, ranked by their inner product with the projected float query.

    Asymmetric, float query × ±1 code (Dong, Charikar and Li, 2008; Gordo et al., 2014). Stores the bits, the
    projection in float64 and faiss' tables of the 256 values a byte can take.
    """

    score_scale = "own"
    levels = np.array([-1.0, 1.0])

    def __init__(self, dimension: int, projected: str, bits: int | None = None, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.width = bits or dimension
        self.projection = projection(projected, dimension, self.width, seed)

    def project(self, vectors: FloatArray) -> NDArray[np.float64]:
        return self.projection(vectors)

    def footprint(self) -> Footprint:
        codes = super().footprint()
        return dataclasses.replace(codes, shared=codes.shared + self.projection.nbytes)
