"""Binary codes of projections that are learned to keep the documents' neighbors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    estimator, Bengio et al., 2013) bring the codes' similarities of a blurred document to its neighbors and to random
    documents near the cosines', as distributions (Kullback-Leibler, as in Passalis and Tefas, 2018). Queries are never
    seen. Stores whole uint64 words per vector, the projection and the thresholds in float64.
    """

    #: The most rows learned from; the neighbors that may be drawn for each, and those that are; rows per step.
    training_limit = 16384
    neighbors, drawn, anchors = 20, 4, 256
    #: How often every row is an anchor, and the most steps.
    turns, most_steps = 30, 800
    #: Of the cosines and of the codes' similarities, before they become distributions.
    temperature, code_temperature = 0.02, 0.03
    rate = 0.002
    #: Noise on a document that stands for a query, over the documents' spread: queries are no documents.
    blur = 1.0

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
            centred = (rows - mean).astype(np.float32)
            # Values of unit variance, so that the estimator's slope lets through what lies near its threshold.
            spread = (centred @ matrix).std(axis=0)
            network = self.network((matrix / np.where(spread > 0, spread, 1)).astype(np.float32), centred)
            self._adapt(network, rows, centred, mean.astype(np.float32))
        self.projection, self.thresholds_ = network.finished(mean)

    def network(self, matrix: FloatArray, centred: FloatArray) -> Linear:
        """What is to be learned, as it begins: at the (d, bits) `matrix` of the `centred` rows."""
        return Linear([matrix, np.zeros(self.bits, np.float32)])

    def _adapt(self, network: Linear, rows: FloatArray, centred: FloatArray, center: FloatArray) -> None:
        """Steps of Adam (Kingma and Ba, 2015) down the loss over `rows`, which the network sees less their `center`."""
        rng, n, anchors = Generator(PCG64(self.seed)), len(rows), min(self.anchors, len(rows))
        near, steps = _nearest(rows, self.neighbors), min(self.most_steps, self.turns * len(rows) // anchors)
        spread = self.blur * centred.std(axis=0)
        first, second = ([np.zeros_like(one) for one in network.learned] for _ in range(2))
        for step in range(steps):
            chosen = rng.choice(n, anchors, replace=False)
            drawn = near[chosen][:, rng.choice(self.neighbors, self.drawn, replace=False)]
            others = np.unique(np.concatenate([chosen, drawn.ravel(), rng.integers(n, size=anchors)]))
            blurred = rows[chosen] + spread * rng.standard_normal((anchors, self.dimension), np.float32)
            blurred /= np.linalg.norm(blurred, axis=1, keepdims=True)
            wanted = blurred @ rows[others].T / self.temperature
            wanted[chosen[:, None] == others] = -np.inf
            slopes = self._slopes(network, blurred - center, centred[others], wanted)
            rate = self.rate * min(1.0, 2 * (1 - step / steps))
            for one, slope, mean, square in zip(network.learned, slopes, first, second, strict=True):
                mean += 0.1 * (slope - mean)
                square += 0.001 * (slope * slope - square)
                unbiased = mean / (1 - 0.9 ** (step + 1))
                one -= rate * unbiased / (np.sqrt(square / (1 - 0.999 ** (step + 1))) + 1e-9)

    def _slopes(self, network: Linear, anchors: FloatArray, others: FloatArray, wanted: FloatArray) -> list[FloatArray]:
        """The loss's derivatives by what the network learns.

        `anchors` (a, d) and `others` (o, d) are centred, `wanted` (a, o) their similarities over the temperature.
        """
        values = [network(some) for some in (anchors, others)]
        ours, theirs = (np.where(value > 0, np.float32(1), np.float32(-1)) for value in values)
        scale = self.bits * self.code_temperature
        similar = np.where(np.isfinite(wanted), ours @ theirs.T / scale, -np.inf)
        error = (_shares(similar) - _shares(wanted)) / (scale * len(anchors))
        # The sign's slope is taken for that of tanh.
        by_values = [
            slope * (1 - np.square(np.tanh(value)))
            for slope, value in zip((error @ theirs, error.T @ ours), values, strict=True)
        ]
        parts = (network.slopes(some, by) for some, by in zip((anchors, others), by_values, strict=True))
        return [one + other for one, other in zip(*parts, strict=True)]


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


@register("adapter-mlp{bits}", bits=[128, 256], held=lambda dimension, bits: bits / 8)
class LearnedNetwork(LearnedRotation):
    """As `adapter-itq{bits}`, with a hidden layer of as many units as bits beside the projection; Hamming distance.

    Symmetric, code × code: the signs of x·A + tanh(x·B)·C - t, where C begins at 0. Stores whole uint64 words per
    vector, the three matrices, offsets and thresholds in float64; queries are never seen.
    """

    rate = 0.0005

    def network(self, matrix: FloatArray, centred: FloatArray) -> Linear:
        inner = orthonormal(self.dimension, self.bits, self.seed).astype(np.float32)
        inner /= (centred @ inner).std() or 1
        return Shallow([matrix, np.zeros(self.bits, np.float32), inner, np.zeros((self.bits, self.bits), np.float32)])


class Linear:
    """x·A - t of centred rows x; `learned` holds A (d, bits) and t (bits,) in float32."""

    def __init__(self, learned: list[FloatArray]) -> None:
        self.learned = learned

    def __call__(self, rows: FloatArray) -> FloatArray:
        """The (n, bits) values of (n, d) rows."""
        matrix, thresholds = self.learned
        return rows @ matrix - thresholds

    def slopes(self, rows: FloatArray, by_values: FloatArray) -> list[FloatArray]:
        """A loss's derivatives by each of `learned`, given those by the (n, bits) values of `rows`."""
        return [rows.T @ by_values, -by_values.sum(axis=0)]

    def finished(self, mean: Matrix) -> tuple[Projection, Matrix]:
        """The map of rows that are not centred yet, whose mean is `mean`, and its thresholds, in float64."""
        matrix, thresholds = (one.astype(np.float64) for one in self.learned)
        return Projection("learned", matrix.shape[0], matrix.shape[1], matrix), thresholds + mean @ matrix


class Shallow(Linear):
    """x·A + tanh(x·B)·C - t of centred rows x; `learned` holds A, t, B (d, hidden) and C (hidden, bits)."""

    def __call__(self, rows: FloatArray) -> FloatArray:
        matrix, thresholds, inner, outer = self.learned
        return rows @ matrix + np.tanh(rows @ inner) @ outer - thresholds

    def slopes(self, rows: FloatArray, by_values: FloatArray) -> list[FloatArray]:
        inner, outer = self.learned[2:]
        hidden = np.tanh(rows @ inner)
        by_inner = by_values @ outer.T * (1 - np.square(hidden))
        return [rows.T @ by_values, -by_values.sum(axis=0), rows.T @ by_inner, hidden.T @ by_values]

    def finished(self, mean: Matrix) -> tuple[Projection, Matrix]:
        matrix, thresholds, inner, outer = (one.astype(np.float64) for one in self.learned)
        made = ShallowProjection("learned", matrix.shape[0], matrix.shape[1], matrix, inner, mean @ inner, outer)
        return made, thresholds + mean @ matrix


@dataclass(frozen=True, eq=False)
class ShallowProjection(Projection):
    """A linear map beside one through a hidden layer: x·A + tanh(x·B - b)·C, in float64."""

    inner: Matrix
    offsets: Matrix
    outer: Matrix

    @property
    def nbytes(self) -> int:
        """The bytes that the matrices take."""
        return super().nbytes + self.inner.nbytes + self.offsets.nbytes + self.outer.nbytes

    def __call__(self, rows: NDArray[Any], columns: slice = slice(None), out: Matrix | None = None) -> Matrix:
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        values = super().__call__(rows, columns, out)
        values += np.tanh(rows @ self.inner - self.offsets) @ self.outer[:, columns]
        return values


def _shares(similarities: FloatArray) -> FloatArray:
    """The softmax of each row of `similarities`."""
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
