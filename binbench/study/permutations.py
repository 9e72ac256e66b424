"""Permutation tests over sets: those that share an encoder are alike, so what is permuted stays within an encoder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

PERMUTATIONS = 5000


@dataclass(frozen=True)
class Orders:
    """Orders of n rows, (P, n), in which every row takes the place of one of its own group.

    Attributes:
        possible: how many there are; `rows` holds all of them, or a seeded sample.
    """

    rows: NDArray[np.int64]
    possible: int

    @classmethod
    def within(cls, groups: Sequence[str], at_most: int = PERMUTATIONS) -> Orders:
        """All orders within `groups` (n,), or `at_most` random ones where there are more."""
        names = np.asarray(groups)
        own = [np.flatnonzero(names == name) for name in dict.fromkeys(groups)]
        possible = math.prod(math.factorial(len(places)) for places in own)
        count = min(possible, at_most)
        found = np.tile(np.arange(len(groups)), (count, 1))
        if possible <= at_most:
            for order, chosen in zip(found, itertools.product(*map(itertools.permutations, own)), strict=True):
                order[np.concatenate(own)] = np.concatenate(chosen)
        else:
            rng = Generator(PCG64(0))
            for places in own:
                found[:, places] = rng.permuted(found[:, places], axis=1)
        return cls(found, possible)

    def p_value(self, found: float, permuted: NDArray[np.float64]) -> float:
        """The share of (P,) `permuted` figures as large as `found`, which counts itself beside a mere sample."""
        floor = int(len(self.rows) < self.possible)
        return float(((permuted >= found - 1e-12).sum() + floor) / (len(permuted) + floor))
