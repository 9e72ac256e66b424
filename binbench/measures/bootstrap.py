"""Confidence intervals by the bootstrap: queries are resampled, methods and measures share the resamples.

Where a method was run with several seeds, its seeds are resampled as well: :func:`seeds_ci`, and the contrasts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

# A few values each; scipy's ufuncs for these take a quarter of a second to import.
_NORMAL = NormalDist()
_normal_share = np.vectorize(_NORMAL.cdf, otypes=[np.float64])
_normal_quantile = np.vectorize(
    lambda share: _NORMAL.inv_cdf(share) if 0 < share < 1 else np.inf * (2 * share - 1), otypes=[np.float64]
)

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
        a, b: (Q,) values of the same queries, or (S, Q) where a method has several seeds; queries with NaN in either
            are left out.
        seed, resamples, confidence: of the bootstrap.

    Raises:
        ValueError: the numbers of queries differ.
    """
    if np.ndim(a) == np.ndim(b) == 1:
        a, b = paired(a, b)
        return mean_ci(a - b, seed, resamples, confidence)
    return _seeded([a, b], lambda means: means[:, :1] - means[:, 1:], seed, resamples, confidence)


def seeds_ci(
    values: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """The mean of (S, Q) values, a row per seed of a method, with an interval that holds both queries and seeds.

    Each resample draws queries and, independently of them, rows. The limits are BCa, the acceleration that of several
    samples (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, section 22.6).
    """
    return _seeded([values], lambda means: means, seed, resamples, confidence)


def ratio_ci(
    a: NDArray[Any], b: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """mean(a) / mean(b) with its paired interval; arguments and errors as for :func:`difference_ci`.

    NaN where mean(b) is 0. An upper limit can be infinite: when resamples have a mean(b) of 0.
    """

    def ratio(means: Array) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return means[:, :1] / means[:, 1:]

    if np.ndim(a) == np.ndim(b) == 1:
        a, b = paired(a, b)
    if not np.size(b) or np.nanmean(b) == 0:
        return Interval(np.nan, np.nan, np.nan)
    if np.ndim(a) + np.ndim(b) > 2:
        return _seeded([a, b], ratio, seed, resamples, confidence)
    limits = _bca(np.stack([a, b], axis=1), ratio, seed, resamples, confidence)
    return Interval(*(float(x[0]) for x in limits))


def paired(a: NDArray[Any], b: NDArray[Any]) -> tuple[Array, Array]:
    """`a` and `b` (Q,) as float64, without the queries where either is NaN."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"values of shapes {a.shape} and {b.shape} are not two values per query")
    kept = ~(np.isnan(a) | np.isnan(b))
    return a[kept], b[kept]


def _seeded(
    methods: Sequence[NDArray[Any]],
    statistic: Callable[[Array], Array],
    seed: int,
    resamples: int,
    confidence: float,
) -> Interval:
    """`statistic` of the means of `methods`, each (Q,) or (S, Q) values of the same queries: (R, C) -> (R, 1)."""
    rows = [np.atleast_2d(np.asarray(one, dtype=np.float64)) for one in methods]
    if len({one.shape[1] for one in rows}) > 1:
        raise ValueError(f"values of shapes {', '.join(str(one.shape) for one in rows)} are not of the same queries")
    columns = np.concatenate(rows).T
    kept = columns[~np.isnan(columns).any(axis=1)]
    limits = _bca(kept, statistic, seed, resamples, confidence, [len(one) for one in rows])
    return Interval(*(float(x[0]) for x in limits))


def _pooled(means: Array, sizes: Sequence[int], random: Generator | None = None) -> Array:
    """(R, C) column means, each method's seeds (`sizes` of them) averaged: as they are, or drawn anew in every row."""
    if max(sizes) == 1:
        return means
    found, start = [], 0
    for size in sizes:
        own = means[:, start : start + size]
        weights = random.multinomial(size, [1 / size] * size, len(own)) if random else np.ones(own.shape)
        found.append((own * weights).mean(axis=1))
        start += size
    return np.stack(found, axis=1)


def _without_one_seed(means: Array, sizes: Sequence[int]) -> Iterator[Array]:
    """For each method with several seeds, the (S, C) pooled `means` (1, ΣS) that leave each seed out in turn."""
    start = 0
    for place, size in enumerate(sizes):
        if size > 1:
            own = means[0, start : start + size]
            pooled = np.repeat(_pooled(means, sizes), size, axis=0)
            pooled[:, place] = (own.sum() - own) / (size - 1)
            yield pooled
        start += size


def _bca(
    columns: Array,
    statistic: Callable[[Array], Array],
    seed: int,
    resamples: int,
    confidence: float,
    sizes: Sequence[int] = (1,),
) -> Array:
    """(3, M) estimate, low and high of `statistic`, a function of means: (R, C) -> (R, M).

    The means are those of `columns` (Q, ΣS), `sizes` consecutive ones, the seeds of a method, averaged.
    """
    n = len(columns)
    if n == 0:
        return np.full((3, statistic(_pooled(np.zeros((1, columns.shape[1])), sizes)).shape[1]), np.nan)
    means = columns.mean(axis=0, keepdims=True)
    estimate = statistic(_pooled(means, sizes))[0]
    if n == 1 and max(sizes) == 1:
        return np.stack([estimate] * 3)
    random = Generator(PCG64([seed, resamples, *sizes]))
    drawn = np.concatenate([counts @ columns / n for counts in _resampled(n, seed, resamples)])
    replicates = statistic(_pooled(drawn, sizes, random))
    samples = [_pooled((n * means - columns) / (n - 1), sizes)] if n > 1 else []
    with np.errstate(divide="ignore", invalid="ignore"):
        jackknives = [statistic(one) for one in (*samples, *_without_one_seed(means, sizes))]
        # The factor of a single sample cancels.
        factors = [1 - 1 / len(one) if len(jackknives) > 1 else 1.0 for one in jackknives]
        deviations = np.concatenate([f * (one.mean(axis=0) - one) for f, one in zip(factors, jackknives, strict=True)])
        acceleration = (deviations**3).sum(axis=0) / (6 * (deviations**2).sum(axis=0) ** 1.5)
        # Undefined for equal values and where leaving out one query makes a ratio infinite: correct the bias only.
        acceleration = np.where(np.isfinite(acceleration), acceleration, 0)
        # Means of few-valued measures equal the estimate often; rounding, which depends on the BLAS, must not decide.
        slack = 1e-12 * np.abs(estimate)
        below = ((replicates < estimate - slack).mean(axis=0) + (replicates <= estimate + slack).mean(axis=0)) / 2
        bias = _normal_quantile(below)
        tail = _normal_quantile(np.array([[(1 - confidence) / 2], [(1 + confidence) / 2]]))
        levels = _normal_share(bias + (bias + tail) / (1 - acceleration * (bias + tail)))
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
