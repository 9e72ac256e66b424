"""How much of the vectors a product quantizer loses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.plugins.faiss_index import FaissAlgorithm, blas_distances
from binbench.plugins.registry import ALGORITHMS

ERROR_SAMPLE = 5000


@dataclass(frozen=True, kw_only=True)
class Quantization:
    """The mean squared error of decoded codes over the mean squared length, on a sample of so many rows."""

    quantization_error: float
    error_sample: int


def quantization_error(train: NDArray[np.float32], instance: str, seed: int, threads: int = 1) -> Quantization:
    """The mean squared error of decoded codes over the mean squared length, on a seeded sample of `train` (N, d)."""
    from threadpoolctl import threadpool_limits

    algorithm = ALGORITHMS.get(instance).create(dimension=train.shape[1], seed=seed)
    assert isinstance(algorithm, FaissAlgorithm)
    algorithm.index_ = algorithm.build()
    with threadpool_limits(threads), blas_distances():
        algorithm.train_index(algorithm.index_, train)
    rng = Generator(PCG64(seed))
    rows = np.sort(rng.choice(len(train), min(ERROR_SAMPLE, len(train)), replace=False))
    vectors = np.ascontiguousarray(train[rows])
    decoded = algorithm.decode(vectors)
    assert decoded is not None
    error = np.square(vectors.astype(np.float64) - decoded).sum() / np.square(vectors.astype(np.float64)).sum()
    return Quantization(quantization_error=float(error), error_sample=len(rows))
