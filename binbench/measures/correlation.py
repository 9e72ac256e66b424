"""Semantic similarity of sentence pairs: how well codes agree with people, and with float."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from binbench.measures.bootstrap import Interval, mean_ci

Array = NDArray[np.float64]


class Correlation(NamedTuple):
    """Two correlation coefficients of one pair of variables; NaN where one of them is constant."""

    spearman: float
    pearson: float


@dataclass(frozen=True)
class Similarity:
    """What :func:`similarity` finds.

    Attributes:
        pairs: the number of sentence pairs.
        float_human: float cosine against the human scores.
        code_human: code similarity against the human scores.
        code_float: code similarity against float cosine.
        angle_bias: mean of estimated − true angle in radians with its bootstrap interval; None where the method
            estimates no angle.
    """

    pairs: int
    float_human: Correlation
    code_human: Correlation
    code_float: Correlation
    angle_bias: Interval | None


def similarity(
    human: NDArray[Any],
    cosine: NDArray[Any],
    code: NDArray[Any],
    estimated_angle: NDArray[Any] | None = None,
    seed: int = 0,
) -> Similarity:
    """Correlations of float and code similarity with human scores and each other, and the bias of the angle.

    Spearman's ρ with human scores is the measure of STS-B (Reimers et al., 2016); ties have their mean rank.

    Args:
        human: (n,) human scores.
        cosine: (n,) cosine of the float embeddings.
        code: (n,) the method's similarity, larger is more similar.
        estimated_angle: (n,) the angle that the codes stand for, radians; π × Hamming distance / bits for
            sign codes of random projections (Charikar, 2002).
        seed: of the bootstrap.

    Raises:
        ValueError: fewer than two pairs, shapes that differ, or NaN.
    """
    human, cosine, code = (
        _checked(name, x, human) for name, x in (("human", human), ("cosine", cosine), ("code", code))
    )
    bias = None
    if estimated_angle is not None:
        bias = angle_bias(_checked("estimated_angle", estimated_angle, human), cosine, seed)
    return Similarity(
        pairs=len(human),
        float_human=correlation(cosine, human),
        code_human=correlation(code, human),
        code_float=correlation(code, cosine),
        angle_bias=bias,
    )


def correlation(x: NDArray[Any], y: NDArray[Any]) -> Correlation:
    """Spearman's and Pearson's coefficient of `x` and `y`, (n,) each."""
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(np.nan, np.nan)
    return Correlation(float(spearman(x, y)), float(np.corrcoef(x, y)[0, 1]))


def spearman(x: NDArray[Any], y: NDArray[Any], valid: NDArray[np.bool_] | bool = True) -> Any:
    """Spearman's ρ along the last axis, ties at their mean rank: scipy's, for many rows at once and with gaps.

    Args:
        x, y: (n,), or (..., n) with shapes that broadcast.
        valid: which entries count, where not all do; of the shape of both.

    Returns:
        a float for (n,), or (...) float64; NaN where fewer than two entries count or one side is constant.
    """
    a, b = _centered_ranks(x, valid), _centered_ranks(y, valid)
    scale = np.sqrt(np.square(a).sum(axis=-1) * np.square(b).sum(axis=-1))
    return np.divide((a * b).sum(axis=-1), scale, out=np.full(scale.shape, np.nan), where=scale > 0)[()]


def _centered_ranks(values: NDArray[Any], valid: NDArray[np.bool_] | bool) -> Array:
    # Left-out entries rank last, so they do not shift the others' ranks.
    ranks = _mean_ranks(np.where(valid, values, np.inf))
    kept = np.broadcast_to(valid, ranks.shape)
    count = np.maximum(kept.sum(axis=-1, keepdims=True), 1)
    return np.where(kept, ranks - np.where(kept, ranks, 0).sum(axis=-1, keepdims=True) / count, 0)


def _mean_ranks(values: NDArray[Any]) -> Array:
    """As ``scipy.stats.rankdata`` along the last axis, but for an import that takes longer than most jobs."""
    order = np.argsort(values, axis=-1)
    ordered, fresh = np.take_along_axis(values, order, axis=-1), np.ones(values.shape, bool)
    fresh[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    # Each run of equal values, of whichever row, has the mean of its places.
    group = np.cumsum(fresh) - 1
    places = np.broadcast_to(np.arange(1, values.shape[-1] + 1), values.shape)
    means = np.bincount(group, weights=places.ravel()) / np.bincount(group)
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, means[group].reshape(values.shape), axis=-1)
    return np.where(np.isnan(values).any(axis=-1, keepdims=True), np.nan, ranks)


def angle_bias(estimated_angle: NDArray[Any], cosine: NDArray[Any], seed: int = 0) -> Interval:
    """The mean of `estimated_angle` (n,) − arccos(`cosine` (n,)), radians, with its bootstrap interval."""
    return mean_ci(np.asarray(estimated_angle) - np.arccos(np.clip(cosine, -1, 1)), seed)


def _checked(name: str, values: NDArray[Any], like: NDArray[Any]) -> Array:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2 or values.shape != np.shape(like):
        raise ValueError(f"{name} has shape {values.shape}; one value for each of two or more pairs is needed")
    if np.isnan(values).any():
        raise ValueError(f"{name} contains NaN")
    return values
