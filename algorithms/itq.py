"""Iterative quantization."""

from __future__ import annotations

import numpy as np

from binbench import Unsupported, register
from binbench.algorithm import FloatArray
from binbench.codes.projections import Matrix, Projection, orthonormal
from binbench.faiss_index import sample_rows
from binbench.hamming_codes import HammingCodes

_MOST_TRAINING_ROWS = 65536
_ITERATIONS = 50


@register("itq{bits}", bits=[64, 128, 256])
class IterativeQuantization(HammingCodes):
    """Signs of the leading principal components, rotated so that they lose least; Hamming distance.

    Symmetric, code × code (Gong and Lazebnik, 2011; centred vectors are made unit ones before learning, as faiss'
    `ITQTransform` does). Stores whole uint64 words per vector, the projection and the thresholds (the projected mean)
    in float64.
    """

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        if bits > dimension:
            raise Unsupported(f"{bits} bits need at least {bits} dimensions, the set has {dimension}")
        self.dimension = dimension
        self.bits = bits
        self.seed = seed

    def learn(self, train: FloatArray) -> None:
        from threadpoolctl import threadpool_limits

        if len(train) < self.bits:
            raise Unsupported(f"{len(train)} documents are too few for {self.bits} principal components")
        sample = sample_rows(train, _MOST_TRAINING_ROWS, self.seed)
        self.facts["training_rows"] = len(sample)
        mean = sample.mean(axis=0, dtype=np.float64)
        # Each round magnifies the rounding of the last, which depends on the number of threads.
        with threadpool_limits(1):
            matrix = _fit(sample - mean, self.bits, self.seed)
        self.projection = Projection("itq", self.dimension, self.bits, matrix)
        self.thresholds_ = mean @ matrix


def _fit(centred: Matrix, bits: int, seed: int) -> Matrix:
    """The (d, bits) principal components of (n, d) `centred` rows, times the rotation found by alternation."""
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.where(norms > 0, norms, 1)
    _, vectors = np.linalg.eigh(unit.T @ unit)
    components = np.ascontiguousarray(vectors[:, ::-1][:, :bits])
    projected = (unit @ components).astype(np.float32)
    rotation = orthonormal(bits, bits, seed)
    for _ in range(_ITERATIONS):
        codes = np.where(projected @ rotation.astype(np.float32) > 0, np.float32(1), np.float32(-1))
        # The orthogonal Procrustes problem: the rotation that brings the projections nearest to their codes.
        left, _, right = np.linalg.svd((projected.T @ codes).astype(np.float64))
        rotation = left @ right
    return components @ rotation
