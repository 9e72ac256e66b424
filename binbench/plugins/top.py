"""The best rows by scores, as the interface wants them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from binbench.plugins.algorithm import Answer, FloatArray, Ids


def top(scores: ArrayLike, k: int) -> Answer:
    """What `query` returns, from the scores of every row.

    Args:
        scores: (Q, N), larger is better.
        k: results per query, also more than N.

    Returns:
        ids (Q, k) int64, best first, ties by row number, padded with -1; scores (Q, k) float32, padded with -inf.
    """
    given = np.asarray(scores, dtype=np.float32)
    ids = np.full((len(given), k), -1, dtype=np.int64)
    kept = np.full((len(given), k), -np.inf, dtype=np.float32)
    for i, row in enumerate(given):
        best = places_of_best(row, k)
        ids[i, : len(best)] = best
        kept[i, : len(best)] = row[best]
    return ids, kept


def places_of_best(scores: FloatArray, k: int) -> Ids:
    """The places of the `k` largest of (N,) `scores`, largest first, equal ones in order."""
    if k >= len(scores):
        return np.argsort(-scores, kind="stable")
    # Only what reaches the k-th largest is worth sorting.
    kept = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
    return kept[np.argsort(-scores[kept], kind="stable")[:k]]
