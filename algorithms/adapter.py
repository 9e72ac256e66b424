"""Binary codes of projections that are learned to keep the documents' neighbors."""

from __future__ import annotations

import numpy as np
from binbench.algorithms.itq import IterativeQuantization
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench import Unsupported, register
from binbench.codes.projections import Matrix, Projection, orthonormal
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import sample_rows
from binbench.plugins.hamming_codes import HammingCodes


@register("adapter{bits}", bits=[128, 256], held=lambda dimension, bits: bits / 8)
class LearnedProjection(HammingCodes):
    """Signs of a projection learned on documents alone, so that codes keep their neighbors; Hamming distance.

    Symmetric, code × code. From an orthonormal random projection, gradient steps through the sign (a straight-through
    estimator, Bengio et al., 2013) bring the codes' similarities of a document to its neighbors and to random documents
    near the cosines', as distributions (Kullback-Leibler, as in Passalis and Tefas, 2018). Queries are never seen.
    Stores whole uint64 words per vector, the projection and the thresholds in float64.
    """

    #: The most rows learned from; the neighbors that may be drawn for each, and those that are; rows per step.
    training_limit = 16384
    neighbors, drawn, anchors = 20, 4, 256
    #: How often every row is an anchor, and the most steps.
    turns, most_steps = 30, 800
    #: Of the cosines and of the codes' similarities, before they become distributions.
    temperature, code_temperature = 0.02, 0.03
    rate = 0.002

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.dimension = dimension
        self.bits = bits
        self.seed = seed

    def start(self, rows: FloatArray) -> tuple[Matrix, Matrix]:
        """The (d,) mean of `rows` (n, d) and the (d, bits) map of centred vectors, both float64, to begin with."""
        return rows.mean(axis=0, dtype=np.float64), orthonormal(self.dimension, self.bits, self.seed)

    def learn(self, train: FloatArray) -> None:
        from threadpoolctl import threadpool_limits

        if len(train) < max(self.bits, self.neighbors + 1):
            raise Unsupported(f"{len(train)} documents are too few for {self.bits} learned bits")
        rows = sample_rows(train, self.training_limit, self.seed)
        self.facts["training_rows"] = len(rows)
        # Each step magnifies the rounding of the last, which depends on the number of threads.
        with threadpool_limits(1):
            mean, matrix = self.start(rows)
            matrix, thresholds = self._adapted(rows, (rows - mean).astype(np.float32), matrix)
        self.projection = Projection("learned", self.dimension, self.bits, np.ascontiguousarray(matrix))
        self.thresholds_ = thresholds + mean @ matrix

    def _adapted(self, rows: FloatArray, centred: FloatArray, matrix: Matrix) -> tuple[Matrix, Matrix]:
        """The learned (d, bits) map of `centred` rows and its (bits,) thresholds; Adam (Kingma and Ba, 2015)."""
        rng, n, anchors = Generator(PCG64(self.seed)), len(rows), min(self.anchors, len(rows))
        near, steps = _nearest(rows, self.neighbors), min(self.most_steps, self.turns * len(rows) // anchors)
        # Values of unit variance, so that the estimator's slope lets through what lies near its threshold.
        spread = (centred @ matrix).std(axis=0)
        learned = [(matrix / np.where(spread > 0, spread, 1)).astype(np.float32), np.zeros(self.bits, np.float32)]
        first, second = ([np.zeros_like(one) for one in learned] for _ in range(2))
        for step in range(steps):
            chosen = rng.choice(n, anchors, replace=False)
            drawn = near[chosen][:, rng.choice(self.neighbors, self.drawn, replace=False)]
            others = np.unique(np.concatenate([chosen, drawn.ravel(), rng.integers(n, size=anchors)]))
            slopes = self._slopes(rows, centred, learned[0], learned[1], chosen, others)
            rate = self.rate * min(1.0, 2 * (1 - step / steps))
            for one, slope, mean, square in zip(learned, slopes, first, second, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope * slope - square)
                unbiased = mean / (1 - 0.9 ** (step + 1))
                one -= rate * unbiased / (np.sqrt(square / (1 - 0.999 ** (step + 1))) + 1e-9)
        return learned[0].astype(np.float64), learned[1].astype(np.float64)

    def _slopes(
        self,
        rows: FloatArray,
        centred: FloatArray,
        matrix: FloatArray,
        thresholds: FloatArray,
        chosen: NDArray[np.int64],
        others: NDArray[np.int64],
    ) -> tuple[FloatArray, FloatArray]:
        """The loss's derivatives by `matrix` and `thresholds`, over `chosen` rows against `others`."""
        same = chosen[:, None] == others
        values = [centred[some] @ matrix - thresholds for some in (chosen, others)]
        ours, theirs = (np.where(value > 0, np.float32(1), np.float32(-1)) for value in values)
        wanted = _shares(rows[chosen] @ rows[others].T / self.temperature, same)
        scale = self.bits * self.code_temperature
        error = (_shares(ours @ theirs.T / scale, same) - wanted) / (scale * len(chosen))
        # The sign's slope is taken for that of tanh.
        by_ours, by_theirs = (
            slope * (1 - np.square(np.tanh(value)))
            for slope, value in zip((error @ theirs, error.T @ ours), values, strict=True)
        )
        by_matrix = centred[chosen].T @ by_ours + centred[others].T @ by_theirs
        return by_matrix, -(by_ours.sum(axis=0) + by_theirs.sum(axis=0))


@register("adapter-itq{bits}", bits=[128, 256], held=lambda dimension, bits: bits / 8)
class LearnedRotation(LearnedProjection):
    """As `adapter{bits}`, begun from the rotated principal components of `itq{bits}`; Hamming distance.

    Symmetric, code × code. Stores whole uint64 words per vector, the projection and the thresholds in float64; queries
    are never seen.
    """

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        super().__init__(dimension, bits, seed)
        self.itq = IterativeQuantization(dimension, bits, seed)

    def start(self, rows: FloatArray) -> tuple[Matrix, Matrix]:
        """What `itq` finds."""
        return self.itq.mean_and_matrix(rows)


def _shares(similarities: FloatArray, left_out: NDArray[np.bool_]) -> FloatArray:
    """The softmax of each row of `similarities`, nothing of it where `left_out`."""
    similarities[left_out] = -np.inf
    powers = np.exp(similarities - similarities.max(axis=1, keepdims=True))
    shares: FloatArray = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _nearest(rows: FloatArray, k: int, block: int = 1024) -> NDArray[np.int64]:
    """(n, k) the other rows with the largest inner product with each of `rows` (n, d), in no order."""
    found = np.empty((len(rows), k), np.int64)
    for start in range(0, len(rows), block):
        products = rows[start : start + block] @ rows.T
        own = np.arange(len(products))
        products[own, start + own] = -np.inf
        found[start : start + block] = np.argpartition(-products, k - 1, axis=1)[:, :k]
    return found
