"""Two bits per dimension."""

from __future__ import annotations

import dataclasses

import numpy as np

from binbench import Footprint, register
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import multiplied, random_rotation
from binbench.plugins.levels import LevelAlgorithm

#: The four levels of least squared error for a standard normal variable (Max, 1960, table I).
GAUSSIAN_LEVELS = np.array([-1.5104, -0.4528, 0.4528, 1.5104])


@register("int2", held=lambda dimension: dimension / 4)
class LloydMax(LevelAlgorithm):
    """Four levels per dimension of the randomly rotated vector, placed for the normal distribution of its values.

    Asymmetric, rotated float query × level. A random rotation makes the coordinates of a unit vector nearly normal
    with variance 1/d, whatever the data (Max, 1960; rotation as in TurboQuant, Zandieh et al., 2025). Stores the
    codes, the rotation and the tables of levels.
    """

    def __init__(self, dimension: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.width = dimension
        self.levels = GAUSSIAN_LEVELS / np.sqrt(dimension)

    def fit(self, train: FloatArray) -> None:
        self.rotation_ = random_rotation(self.dimension, self.seed)
        super().fit(train)

    def project(self, vectors: FloatArray) -> FloatArray:
        return multiplied(vectors, self.rotation_.T)

    def project_queries(self, queries: FloatArray) -> FloatArray:
        return queries @ self.rotation_.T

    def footprint(self) -> Footprint:
        codes = super().footprint()
        return dataclasses.replace(codes, shared=codes.shared + self.rotation_.nbytes)
