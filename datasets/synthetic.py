"""Made-up vectors of any number and dimension that behave somewhat like text embeddings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binbench import SourceOptions, UserError, VectorSource, register_dataset

QUERIES = 1000
CLUSTERS = 256
DIMENSIONS = 65_536  # at most: a basis of them has to fit into memory
INNER_DIMENSION = 16  # of the subspace that a cluster's points spread in
BLOCK_ROWS = 16384  # rows of one random stream; other values make other vectors


def _sizes(options: SourceOptions, n: int, d: int) -> tuple[int, int, int]:
    return n, QUERIES, d


@register_dataset("synthetic-{n}x{d}", n=[10000], d=[64], sizes=_sizes, version=1)
def synthetic(options: SourceOptions, n: int, d: int) -> VectorSource:
    """Made-up clustered unit vectors of low intrinsic dimension."""
    if options.split is not None:
        raise UserError(f"synthetic sets have no splits; leave out --split {options.split}")
    if d < 8:
        raise UserError(
            f"synthetic-{n}x{d}: give at least 8 dimensions; with fewer, queries coincide with base vectors"
        )
    if d > DIMENSIONS:
        raise UserError(f"synthetic-{n}x{d}: give at most {DIMENSIONS:,} dimensions")
    mixture = Mixture.draw(d, options.seed)

    def train() -> Iterator[NDArray[np.float32]]:
        for block, start in enumerate(range(0, n, BLOCK_ROWS)):
            # Whole blocks are drawn, so that a smaller set is the beginning of a larger one.
            yield mixture.points(BLOCK_ROWS, _stream(options.seed, 2 + block))[: n - start]

    return VectorSource(
        name=f"synthetic-{n}x{d}",
        count=n,
        dimension=d,
        train=train,
        test=mixture.points(QUERIES, _stream(options.seed, 1)),
        provenance={"source": "synthetic", "seed": options.seed, "clusters": CLUSTERS, "block_rows": BLOCK_ROWS},
    )


@dataclass(frozen=True)
class Mixture:
    """A mixture of Gaussians, each of which spreads along a few directions of its own.

    Attributes:
        weights: (CLUSTERS,), falling as 1 / sqrt(rank).
        centres: (CLUSTERS, d), around a common mean, as text embeddings are; their variance falls along the axes of a
            random basis.
        bases: (CLUSTERS, INNER_DIMENSION, d), the axes times the spread along them.
        noise: the standard deviation of a point's length in no particular direction.
    """

    weights: NDArray[np.float64]
    centres: NDArray[np.float64]
    bases: NDArray[np.float64]
    noise: float

    @classmethod
    def draw(cls, d: int, seed: int) -> Mixture:
        """The mixture in `d` dimensions that `seed` stands for."""
        rng = _stream(seed, 0)
        weights = 1 / np.sqrt(np.arange(1, CLUSTERS + 1))
        spectrum = 1 / np.sqrt(np.arange(1, d + 1))
        spectrum /= np.linalg.norm(spectrum)
        rotation, _ = np.linalg.qr(rng.standard_normal((d, d)))
        mean = rng.standard_normal(d) / np.sqrt(d)
        centres = 0.6 * mean + (rng.standard_normal((CLUSTERS, d)) * spectrum) @ rotation
        bases = rng.standard_normal((CLUSTERS, INNER_DIMENSION, d)) / np.sqrt(d * INNER_DIMENSION)
        return cls(weights / weights.sum(), centres, 0.8 * bases, 0.3)

    def points(self, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`count` unit vectors, (count, d) float32."""
        d = self.centres.shape[1]
        cluster = rng.choice(CLUSTERS, count, p=self.weights)
        inner = rng.standard_normal((count, INNER_DIMENSION))
        points = self.centres[cluster] + rng.standard_normal((count, d)) * (self.noise / np.sqrt(d))
        for number in np.unique(cluster):
            rows = cluster == number
            points[rows] += inner[rows] @ self.bases[number]
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        return points.astype(np.float32)


def _stream(seed: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, number]))
