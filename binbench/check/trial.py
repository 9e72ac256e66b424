"""Easy data, and one method fitted on it as often as the rules need."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.random import PCG64, Generator

from binbench.errors import Unsupported
from binbench.plugins.algorithm import Algorithm, Answer, FloatArray
from binbench.plugins.registry import Instance

#: (rows, dimension) to try in turn until the method serves one.
SIZES = ((272, 64), (272, 128), (600, 256), (600, 384), (1200, 512), (2400, 1024))
K = 10


@dataclass
class Trial:
    """One instance on clustered unit vectors; every fit gets arrays of its own, so that no rule can spoil another."""

    instance: Instance
    rows: int
    dimension: int
    seed: int = 0

    def __post_init__(self) -> None:
        random = Generator(PCG64(self.seed))
        centres = random.standard_normal((self.rows // 16, self.dimension))
        self.train = _around(centres, self.rows, random)
        self.other = _around(centres[::-1] + 1, 3 * self.rows // 4 + 20, random)
        self.queries = _around(centres, 40, random)

    def create(self) -> Algorithm:
        """A fresh instance, not fitted."""
        return self.instance.create(dimension=self.dimension, seed=self.seed, metric="angular")

    def fit(self, train: FloatArray | None = None) -> Algorithm:
        """A fresh instance fitted on a copy of `train`."""
        algorithm = self.create()
        algorithm.fit((self.train if train is None else train).copy())
        return algorithm

    def ask(self, algorithm: Algorithm, queries: FloatArray | None = None, k: int = K) -> Answer:
        """The answers of `algorithm` to a copy of `queries`."""
        return algorithm.query((self.queries if queries is None else queries).copy(), k)

    @cached_property
    def fitted(self) -> Algorithm:
        """An instance fitted on `train`, shared by the rules that only ask."""
        algorithm = self.fit()
        # Before any rule asks anything, so that these are the first answers.
        self.answer = self.ask(algorithm)
        return algorithm

    @cached_property
    def answer(self) -> Answer:
        """The first answers of `fitted` to `queries`."""
        return self.ask(self.fitted)

    @cached_property
    def repeated(self) -> FloatArray:
        """(rows, d) documents, each ten times."""
        return np.tile(self.train[: self.rows // 10], (10, 1))

    @cached_property
    def fitted_on_repeated(self) -> Algorithm:
        """An instance fitted on `repeated`."""
        return self.fit(self.repeated)


def first_trial(instance: Instance, seed: int = 0) -> Trial:
    """A trial of the smallest size that `instance` serves.

    Raises:
        Unsupported: it serves none; the reason is the last one it gave.
    """
    reason = Unsupported("no size was tried")
    for rows, dimension in SIZES:
        trial = Trial(instance, rows, dimension, seed)
        try:
            _ = trial.fitted
        except Unsupported as error:
            reason = error
        else:
            return trial
    raise reason


def _around(centres: np.ndarray, rows: int, random: Generator) -> FloatArray:
    points = centres[random.integers(len(centres), size=rows)]
    points = points + 0.5 * random.standard_normal(points.shape)
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
