"""Iterative quantization, as published and as faiss carries it out."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from binbench import Unsupported, register
from binbench.codes.projections import Matrix, Projection, orthonormal
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import one_thread, sample_rows
from binbench.plugins.hamming_codes import HammingCodes


class RotatedComponents(HammingCodes):
    """Signs of centred vectors on rotated principal components: a subclass gives `mean_and_matrix`."""

    #: The most rows learned from.
    training_limit = 65536
    #: Turns of codes and rotation.
    turns = 50

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        if bits > dimension:
            raise Unsupported(f"{bits} bits need at least {bits} dimensions, the set has {dimension}")
        self.dimension = dimension
        self.bits = bits
        self.seed = seed

    @abstractmethod
    def mean_and_matrix(self, sample: FloatArray) -> tuple[Matrix, Matrix]:
        """The (d,) mean of `sample` (n, d) and the (d, bits) map of centred vectors, both float64."""

    def learn(self, train: FloatArray) -> None:
        if len(train) < self.bits:
            raise Unsupported(f"{len(train)} documents are too few for {self.bits} principal components")
        sample = sample_rows(train, self.training_limit, self.seed)
        self.facts["training_rows"] = len(sample)
        mean, matrix = self.mean_and_matrix(sample)
        self.projection = Projection("itq", self.dimension, self.bits, np.ascontiguousarray(matrix))
        self.thresholds_ = mean @ matrix


@register("itq{bits}", bits=[64, 128, 256], held=lambda dimension, bits: bits / 8)
class IterativeQuantization(RotatedComponents):
    """Signs of the leading principal components, rotated so that they lose least; Hamming distance.

    Symmetric, code × code (Gong and Lazebnik, 2011), learned in float64 from centred vectors brought to unit length.
    Stores whole uint64 words per vector, the projection and the thresholds (the projected mean) in float64.
    """

    def mean_and_matrix(self, sample: FloatArray) -> tuple[Matrix, Matrix]:
        """Principal components, then by turns the signs of the rotated values and the rotation nearest to the signs."""
        rows = sample.astype(np.float64)
        mean = rows.mean(axis=0)
        rows -= mean
        # Long vectors would decide the rotation alone, and no code can tell a vector's length.
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        rows /= np.where(norms > 0, norms, 1)
        _, vectors = np.linalg.eigh(rows.T @ rows)
        components = np.ascontiguousarray(vectors[:, ::-1][:, : self.bits])
        # LAPACK leaves each component's sign open.
        largest = np.abs(components).argmax(axis=0)
        components *= np.sign(components[largest, np.arange(self.bits)])
        values = rows @ components
        del rows
        rotation = orthonormal(self.bits, self.bits, self.seed)
        for _ in range(self.turns):
            rotation = nearest_rotation(values, np.where(values @ rotation > 0, 1.0, -1.0))
        return mean, components @ rotation


def nearest_rotation(values: Matrix, targets: Matrix) -> Matrix:
    """The orthogonal (b, b) matrix R that makes `values` R, (n, b), nearest to `targets` (Schönemann, 1966)."""
    u, _, vt = np.linalg.svd(values.T @ targets)
    return u @ vt


@register("itq-faiss{bits}", bits=[64, 128, 256], held=lambda dimension, bits: bits / 8)
class FaissIterativeQuantization(RotatedComponents):
    """Iterative quantization with the rotation that faiss finds, which is little better than its random start.

    Symmetric, code × code (Gong and Lazebnik, 2011; faiss `ITQTransform`, which transposes a factor of each turn's
    rotation). Stores whole uint64 words per vector, the projection and the thresholds in float64.
    """

    def mean_and_matrix(self, sample: FloatArray) -> tuple[Matrix, Matrix]:
        """What `ITQTransform` learns on one thread."""
        import faiss

        transform = faiss.ITQTransform(self.dimension, self.bits, True)
        transform.itq.seed, transform.itq.max_iter = self.seed, self.turns
        transform.max_train_per_dim = self.training_limit
        # Each turn magnifies the rounding of the last, which depends on the number of threads.
        with one_thread():
            transform.train(sample)
        # faiss makes the centred vector a unit one before it projects, which no sign can see.
        matrix = faiss.vector_to_array(transform.pca_then_itq.A).reshape(self.bits, self.dimension).astype(np.float64)
        mean = faiss.vector_to_array(transform.mean).astype(np.float64)
        return mean, matrix.T
