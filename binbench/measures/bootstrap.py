"""Confidence intervals by the bootstrap: queries are resampled, methods and measures share the resamples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

RESAMPLES = 10_000
CONFIDENCE = 0.95
#: Queries drawn at a time: so few that the BLAS multiplies in one thread; waking others would cost ten times as much.
_BLOCK = 1 << 14


class Interval(NamedTuple):
    """An estimate with its confidence limits: floats, or (M,) arrays for M columns; NaN where undefined."""

    estimate: Any
    low: Any
    high: Any


def mean_ci(
    values: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """The mean over queries with its BCa bootstrap interval (Efron, 1987), scipy.stats.bootstrap's default method.

    Unlike scipy's, the resamples are a matrix of counts shared by all columns, so that many measures cost little more
    than one.

    Args:
        values: (Q,) or (Q, M) per-query values; a query with NaN is left out of that column.
        seed, resamples, confidence: of the bootstrap.

    Returns:
        Floats for (Q,), (M,) arrays for (Q, M). A single query, or equal values, give an interval of no width; a column
        without values gives NaN.
    """
    columns = np.asarray(values, dtype=np.float64)
    if columns.ndim == 1:
        return Interval(*(float(x[0]) for x in mean_ci(columns[:, None], seed, resamples, confidence)))
    limits = np.full((3, columns.shape[1]), np.nan)
    absent = np.isnan(columns)
    for pattern in np.unique(absent, axis=1).T:
        same = (absent == pattern[:, None]).all(axis=0)
        limits[:, same] = _bca(columns[~pattern][:, same], lambda means: means, seed, resamples, confidence)
    return Interval(*limits)


def difference_ci(
    a: NDArray[Any], b: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """mean(a) − mean(b) with its paired interval.

    Args:
        a, b: (Q,) values of the same queries; queries with NaN in either are left out.
        seed, resamples, confidence: of the bootstrap.

    Raises:
        ValueError: the shapes differ.
    """
    a, b = paired(a, b)
    return mean_ci(a - b, seed, resamples, confidence)


def ratio_ci(
    a: NDArray[Any], b: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """mean(a) / mean(b) with its paired interval; arguments and errors as for :func:`difference_ci`.

    NaN where mean(b) is 0. An upper limit can be infinite: when resamples have a mean(b) of 0.
    """
    a, b = paired(a, b)
    if not len(b) or b.mean() == 0:
        return Interval(np.nan, np.nan, np.nan)

    def ratio(means: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return means[:, :1] / means[:, 1:]

    limits = _bca(np.stack([a, b], axis=1), ratio, seed, resamples, confidence)
    return Interval(*(float(x[0]) for x in limits))


def paired(a: NDArray[Any], b: NDArray[Any]) -> tuple[Array, Array]:
    """`a` and `b` (Q,) as float64, without the queries where either is NaN."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"values of shapes {a.shape} and {b.shape} are not two values per query")
    kept = ~(np.isnan(a) | np.isnan(b))
    return a[kept], b[kept]


def _bca(columns: Array, statistic: Callable[[Array], Array], seed: int, resamples: int, confidence: float) -> Array:
    """(3, M) estimate, low and high of `statistic`, a function of column means: (R, C) -> (R, M)."""
    from scipy.special import ndtr, ndtri

    n = len(columns)
    if n == 0:
        return np.full((3, statistic(np.zeros((1, columns.shape[1]))).shape[1]), np.nan)
    means = columns.mean(axis=0, keepdims=True)
    estimate = statistic(means)[0]
    if n == 1:
        return np.stack([estimate] * 3)
    replicates = np.concatenate([statistic(counts @ columns / n) for counts in _resampled(n, seed, resamples)])
    jackknife = statistic((n * means - columns) / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        deviations = jackknife.mean(axis=0) - jackknife
        acceleration = (deviations**3).sum(axis=0) / (6 * (deviations**2).sum(axis=0) ** 1.5)
        # Undefined for equal values and where leaving out one query makes a ratio infinite: correct the bias only.
        acceleration = np.where(np.isfinite(acceleration), acceleration, 0)
        # Means of few-valued measures equal the estimate often; rounding, which depends on the BLAS, must not decide.
        slack = 1e-12 * np.abs(estimate)
        below = ((replicates < estimate - slack).mean(axis=0) + (replicates <= estimate + slack).mean(axis=0)) / 2
        bias = ndtri(below)
        tail = ndtri(np.array([[(1 - confidence) / 2], [(1 + confidence) / 2]]))
        levels = ndtr(bias + (bias + tail) / (1 - acceleration * (bias + tail)))
    limits = np.stack([_quantiles(r, level) for r, level in zip(replicates.T, levels.T, strict=True)], axis=1)
    # Equal values: their mean's rounding error is not an interval.
    constant = np.ptp(replicates, axis=0) <= 1e-12 * np.abs(estimate)
    return np.vstack([estimate, np.where(constant, estimate, limits)])


def _quantiles(replicates: Array, levels: Array) -> Array:
    kept = replicates[~np.isnan(replicates)]
    if not len(kept) or np.isnan(levels).any():
        return np.full(len(levels), np.nan)
    # Interpolating between infinite replicates would give NaN.
    return np.quantile(kept, levels, method="linear" if np.isfinite(kept).all() else "nearest")


def _resampled(n: int, seed: int, resamples: int) -> Iterator[Array]:
    """Blocks of (R, n): how often each of `n` queries is drawn in each of `resamples` resamples."""
    rows = max(_BLOCK // n, 1)
    for block, start in enumerate(range(0, resamples, rows)):
        yield _counts(n, min(rows, resamples - start), seed, block).astype(np.float64)


# Every result of one set is resampled alike, so the draws, which cost most of the time, are kept: 128 MB at most.
@lru_cache(maxsize=8192)
def _counts(n: int, rows: int, seed: int, block: int) -> NDArray[np.uint8]:
    drawn = Generator(PCG64([seed, block])).integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
    # A query drawn more than 255 times in one resample: not in the life of the universe.
    return np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n).astype(np.uint8)
