"""Agreement with the exact float ranking: what compression loses of the neighbors themselves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.measures.answers import TOLERANCE, Answers
from binbench.measures.registry import measure

Array = NDArray[np.float64]
Ids = NDArray[np.integer[Any]]


def recall(
    true_distances: NDArray[Any], distances: NDArray[Any], ids: Ids, k: int, tolerance: Array | float = TOLERANCE
) -> Array:
    """The share of the first `k` results that are no farther than the true k-th neighbor: recall@k, ties honoured.

    Args:
        true_distances: (Q, K) distances of the exact nearest documents, ascending.
        distances: (Q, n) true distances of the returned documents, not the method's own.
        ids: (Q, n) the returned documents, best first, padded with -1; a repeated document counts once.
        k: the cut.
        tolerance: what may be added to the true k-th distance, for all queries or (Q, 1) for each.

    Returns:
        (Q,) in [0, 1].

    Raises:
        ValueError: `k` exceeds K or n, so that recall@k is not known.
    """
    _check_depth(k, true_distances=true_distances, ids=ids)
    cut = true_distances[:, k - 1 : k].astype(np.float64) + tolerance
    hits = (distances[:, :k].astype(np.float64) <= cut) & first_occurrences(ids[:, :k])
    return hits.sum(axis=1) / k


def overlap(true_ids: Ids, ids: Ids, k: int) -> Array:
    """The size of the intersection of two top-k lists over `k`, ties not honoured.

    Args:
        true_ids: (Q, K) the exact nearest documents, best first.
        ids: (Q, n) the returned documents, best first, padded with -1.
        k: the cut.

    Returns:
        (Q,) in [0, 1].

    Raises:
        ValueError: `k` exceeds K or n.
    """
    _check_depth(k, true_ids=true_ids, ids=ids)
    return (_true_ranks(true_ids[:, :k], ids[:, :k]) < k).sum(axis=1) / k


def ndcg_float(true_ids: Ids, ids: Ids, k: int = 10) -> Array:
    """nDCG@k against the float ranking: the document of float rank r < k (from 0) gains k − r, others nothing.

    The discount is log2(rank + 2) for ranks from 0 (Järvelin and Kekäläinen, 2002). Arguments, result and errors are
    those of :func:`overlap`.
    """
    _check_depth(k, true_ids=true_ids, ids=ids)
    gains = k - _true_ranks(true_ids[:, :k], ids[:, :k])
    discounts = 1 / np.log2(np.arange(k) + 2)
    return gains @ discounts / (np.arange(k, 0, -1) @ discounts)


def first_occurrences(ids: Ids) -> NDArray[np.bool_]:
    """(Q, n) bool: where a document, not padding, stands for the first time in its row of `ids`."""
    order = np.argsort(ids, axis=1, kind="stable")
    ordered = np.take_along_axis(ids, order, axis=1)
    first = ordered >= 0
    first[:, 1:] &= ordered[:, 1:] != ordered[:, :-1]
    found = np.empty_like(first)
    np.put_along_axis(found, order, first, axis=1)
    return found


def _true_ranks(true_ids: Ids, ids: Ids) -> NDArray[np.int64]:
    """(Q, k) the rank of each of `ids` in its row of `true_ids`; k for padding, repeats and documents not in there."""
    k = true_ids.shape[1]
    stride = max(int(true_ids.max(initial=0)), int(ids.max(initial=0))) + 1
    rows = np.arange(len(ids))[:, None] * stride
    known = true_ids >= 0
    keys = (rows + true_ids)[known]
    ranks = np.broadcast_to(np.arange(k), true_ids.shape)[known]
    order = np.argsort(keys)
    keys, ranks = np.append(keys[order], -1), np.append(ranks[order], k)
    sought = rows + ids
    places = np.searchsorted(keys[:-1], sought)
    return np.where((keys[places] == sought) & first_occurrences(ids), ranks[places], k)


def _check_depth(k: int, **lists: NDArray[Any]) -> None:
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    for name, array in lists.items():
        if array.shape[1] < k:
            raise ValueError(f"{name} has {array.shape[1]} columns; a measure at {k} needs {k}")


@measure(
    "recall@{k}",
    against="float",
    definition="share of the first {k} results whose true distance is at most the true {nth} distance + 1e-6, "
    "relative where distances are not angular; each document counts once",
    version=2,
    values=[{"k": k, "nth": "nearest" if k == 1 else f"{k}-th nearest"} for k in (1, 5, 10, 50, 100)],
)
def _recall(answers: Answers, k: int) -> Array:
    return recall(answers.true_distances, answers.distances, answers.ids, k, answers.tolerance)


@measure(
    "overlap@10",
    against="float",
    definition="documents that the two top tens share, over 10; ties are not honoured",
)
def _overlap(answers: Answers) -> Array:
    return overlap(answers.true_ids, answers.ids, 10)


@measure(
    "ndcg_float@10",
    against="float",
    definition="nDCG@10 with gain 10 − r for the document of float rank r (from 0) and discount log2(rank + 2)",
    label="nDCG (float)@10",
)
def _ndcg_float(answers: Answers) -> Array:
    return ndcg_float(answers.true_ids, answers.ids, 10)
