"""How well a method's scores stand for the true ones, on the documents it returned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.measures.answers import Answers
from binbench.measures.correlation import spearman
from binbench.measures.registry import measure

Array = NDArray[np.float64]


def relative_score_error(true_scores: NDArray[Any], scores: NDArray[Any]) -> Array:
    """The mean absolute error of a method's scores over the mean absolute true score.

    Methods score on scales of their own (bits that differ, inner products of codes), so scores are first brought to
    the true scale by one affine map for the whole run, fitted by least squares: what is left is error that no change
    of unit explains. The ratio is one of means over a query's documents, so a true score near 0 does no harm.

    Args:
        true_scores: (Q, k) true similarities of the returned documents (cosine, inner product or minus the distance).
        scores: (Q, k) the method's own, larger is better; entries not finite in both arrays are left out.

    Returns:
        (Q,) 0 for perfect scores; NaN for queries with no finite entries, or only true scores of 0.
    """
    valid, true, own = _both_finite(true_scores, scores)
    count = max(int(valid.sum()), 1)
    own_mean, true_mean = own.sum() / count, true.sum() / count
    centered = np.where(valid, own - own_mean, 0)
    variance = (centered**2).sum()
    slope = (centered * true).sum() / variance if variance > 0 else 0.0
    errors = np.where(valid, np.abs(true_mean + slope * centered - true), 0).sum(axis=1)
    size = np.abs(true).sum(axis=1)
    return np.divide(errors, size, out=np.full(len(size), np.nan), where=size > 0)


def rank_correlation(true_scores: NDArray[Any], scores: NDArray[Any]) -> Array:
    """Spearman's ρ between a method's scores and the true ones, over each query's returned documents.

    Ties have their mean rank. Only returned documents are seen, so the range is restricted: figures are comparable
    between methods at one k, not between depths.

    Args:
        true_scores, scores: (Q, k), as for :func:`relative_score_error`.

    Returns:
        (Q,) in [-1, 1]; NaN where fewer than two documents remain or one side is constant (all scores tie).
    """
    valid, true, own = _both_finite(true_scores, scores)
    found: Array = spearman(true, own, valid)
    return found


def _both_finite(true_scores: NDArray[Any], scores: NDArray[Any]) -> tuple[NDArray[np.bool_], Array, Array]:
    if true_scores.shape != scores.shape or scores.ndim != 2:
        raise ValueError(f"true_scores {true_scores.shape} and scores {scores.shape} are not two equal (Q, k) arrays")
    valid = np.isfinite(true_scores) & np.isfinite(scores)
    return valid, np.where(valid, true_scores, 0).astype(np.float64), np.where(valid, scores, 0).astype(np.float64)


@measure(
    "score_error",
    against="float",
    larger_is_better=False,
    definition="mean absolute error of the returned documents' scores, brought to the true scale by one affine map for "
    "the whole run, over the mean absolute true score",
)
def _score_error(answers: Answers) -> Array | None:
    return None if answers.scores is None else relative_score_error(_true_scores(answers), answers.scores)


@measure(
    "rank_correlation",
    against="float",
    definition="Spearman's ρ of scores and true scores over the returned documents; undefined where all scores tie",
)
def _rank_correlation(answers: Answers) -> Array | None:
    return None if answers.scores is None else rank_correlation(_true_scores(answers), answers.scores)


def _true_scores(answers: Answers) -> Array:
    """(Q, k) on the scale that `float` scores on, so that its own error is nil."""
    distances = answers.distances.astype(np.float64)
    return {"angular": 1 - distances, "ip": -distances}.get(answers.distance, -(distances**2))
