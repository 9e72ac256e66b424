"""What the order of tied documents can do to a figure: the lowest, expected and highest value over all orders.

A b-bit Hamming ranking has at most b + 1 distinct scores, so which tied documents make the cut is luck. With equal
scores in any order equally likely, expected values are those of McSherry and Najork (2008); the extremes put each
group's gains in ascending or descending order, by the rearrangement inequality, as discounts never grow with rank.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from binbench.measures.answers import Answers, Ties
from binbench.measures.registry import measure
from binbench.measures.relevance import judged_only

Array = NDArray[np.float64]

#: The cut of both measures.
CUT = 10


class Bounds(NamedTuple):
    """(Q,) values over all orders of the ties within each query."""

    low: Array
    expected: Array
    high: Array


def recall_bounds(is_neighbor: NDArray[np.bool_], scores: NDArray[Any], offsets: NDArray[Any], k: int) -> Bounds:
    """Bounds of recall@k against the float ranking.

    Args:
        is_neighbor: (T,) whether each document counts as a true neighbor (its true distance is at most the true k-th
            distance, within the tolerance of :func:`binbench.measures.ranking.recall`).
        scores: (T,) the method's scores, larger is better, equal for tied documents. A query's documents are at least
            all those that score as well as its k-th best, in any order; further ones change nothing.
        offsets: (Q + 1,) query q owns the documents from offsets[q] to offsets[q + 1].
        k: the cut.

    Raises:
        ValueError: the shapes disagree, `offsets` do not ascend from 0 to T, or a score is NaN.
    """
    return _bounds(is_neighbor, scores, offsets, np.full(k, 1 / k))


def ndcg_bounds(
    gains: NDArray[Any], scores: NDArray[Any], offsets: NDArray[Any], ideal_dcg: NDArray[Any], k: int
) -> Bounds:
    """Bounds of nDCG@k against judgements; all groups of ties within the top k count, not only the one at the cut.

    Args:
        gains: (T,) each document's grade for its query, 0 where it is not judged; see :func:`gains_of`.
        scores, offsets, k: as for :func:`recall_bounds`.
        ideal_dcg: (Q,) see :func:`ideal_dcg`; a query with 0 has nDCG 0, as in trec_eval.

    Raises:
        ValueError: as for :func:`recall_bounds`.
    """
    ideal = np.asarray(ideal_dcg, dtype=np.float64)
    if ideal.shape != (len(offsets) - 1,):
        raise ValueError(f"ideal_dcg {ideal.shape} does not have one value for each of {len(offsets) - 1} queries")
    found = _bounds(np.maximum(gains, 0), scores, offsets, _discounts(k))
    return Bounds(*(np.divide(dcg, ideal, out=np.zeros(len(ideal)), where=ideal > 0) for dcg in found))


def ideal_dcg(qrels: NDArray[np.integer[Any]], n_queries: int, k: int) -> Array:
    """(Q,) the highest DCG@k that the judgements `qrels` (n, 3: query row, document row, grade) allow each query."""
    grades = np.maximum(qrels[:, 2], 0)
    ranks = np.arange(len(qrels))
    order = np.lexsort((-grades, qrels[:, 0]))
    queries = qrels[order, 0]
    ranks -= np.searchsorted(queries, queries)
    weights = np.append(_discounts(k), 0)[np.minimum(ranks, k)]
    return np.bincount(queries, weights=grades[order] * weights, minlength=n_queries).astype(np.float64)


def gains_of(qrels: NDArray[np.integer[Any]], ids: NDArray[np.integer[Any]], offsets: NDArray[Any]) -> Array:
    """(T,) the grades of documents `ids` (T,) for the queries that own them by `offsets` (Q + 1,); 0 if not judged."""
    queries = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    stride = max(int(qrels[:, 1].max(initial=0)), int(ids.max(initial=0))) + 1
    keys = qrels[:, 0].astype(np.int64) * stride + qrels[:, 1]
    order = np.argsort(keys)
    # The last key is never sought; it stands for "not judged".
    keys, grades = np.append(keys[order], -1), np.append(qrels[order, 2], 0)
    sought = queries * stride + ids
    places = np.searchsorted(keys[:-1], sought)
    return np.where((keys[places] == sought) & (ids >= 0), grades[places], 0).astype(np.float64)


def drop_own(
    ids: NDArray[np.integer[Any]], scores: NDArray[Any], offsets: NDArray[Any], own: NDArray[np.int64]
) -> tuple[NDArray[np.integer[Any]], NDArray[Any], NDArray[np.int64]]:
    """`ids`, `scores` (T,) and `offsets` (Q + 1,) without each query's own document, row `own` (Q,), -1 for none.

    Bounds at k then need lists that reach the (k + 1)-th best score.
    """
    queries = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    kept = ids != own[queries]
    counts = np.bincount(queries[kept], minlength=len(offsets) - 1)
    return ids[kept], scores[kept], np.append(0, np.cumsum(counts))


def _discounts(k: int) -> Array:
    return 1 / np.log2(np.arange(k) + 2)


def _bounds(gains: NDArray[Any], scores: NDArray[Any], offsets: NDArray[Any], weights: Array) -> Bounds:
    """Bounds of the sum of gain × weight over ranks, for `weights` (k,) that do not grow with rank."""
    gains, offsets = np.asarray(gains, dtype=np.float64), np.asarray(offsets, dtype=np.int64)
    _check(gains, scores, offsets)
    k, n_queries = len(weights), len(offsets) - 1
    queries = np.repeat(np.arange(n_queries), np.diff(offsets))
    ranks = np.arange(len(scores)) - offsets[queries]
    weight = np.append(weights, 0)[np.minimum(ranks, k)]

    def total(values: Array) -> Array:
        return np.bincount(queries, weights=values * weight, minlength=n_queries).astype(np.float64)

    ascending = gains[np.lexsort((gains, -scores, queries))]
    order = np.lexsort((-gains, -scores, queries))
    starts = np.ones(len(scores), dtype=bool)
    starts[1:] = (scores[order][1:] != scores[order][:-1]) | (queries[1:] != queries[:-1])
    group = np.cumsum(starts) - 1
    means = np.bincount(group, weights=gains[order]) / np.bincount(group)
    return Bounds(total(ascending), total(means[group]), total(gains[order]))


def _check(gains: Array, scores: NDArray[Any], offsets: NDArray[np.int64]) -> None:
    if gains.shape != scores.shape or gains.ndim != 1:
        raise ValueError(f"{gains.shape} gains and {scores.shape} scores are not one of each per document")
    if not len(offsets) or offsets[0] != 0 or offsets[-1] != len(scores) or (np.diff(offsets) < 0).any():
        raise ValueError(f"offsets do not ascend from 0 to {len(scores)}")
    if np.isnan(scores).any():
        raise ValueError("scores contain NaN")


_ENDS = [
    {"end": "low", "meaning": "lowest"},
    {"end": "expected", "meaning": "expected"},
    {"end": "high", "meaning": "highest"},
]
_OVER = "over all orders of documents that tie"


@measure("recall@10_{end}", against="float", definition=f"the {{meaning}} recall@10 {_OVER}", version=2, values=_ENDS)
def _recall(answers: Answers, end: str) -> Array | None:
    return None if answers.ties is None else getattr(answers.once(_bounds_of_recall), end)


@measure(
    "ndcg@10_{end}",
    against="qrels",
    definition=f"the {{meaning}} ndcg@10 {_OVER}",
    label="nDCG@10 {end}",
    values=_ENDS,
)
def _ndcg(answers: Answers, end: str) -> Array | None:
    # With just ten results a query's own document leaves nine: the figure would not lie within the bounds.
    if answers.ties is None or (answers.ids.shape[1] <= CUT and (answers.own >= 0).any()):
        return None
    return judged_only(getattr(answers.once(_bounds_of_ndcg), end), answers)


def _bounds_of_recall(answers: Answers) -> Bounds:
    assert answers.ties is not None
    return recall_bounds(_is_neighbor(answers, answers.ties), answers.ties.scores, answers.ties.offsets, CUT)


def _bounds_of_ndcg(answers: Answers) -> Bounds:
    assert answers.ties is not None
    assert answers.qrels is not None
    ids, scores, offsets = drop_own(answers.ties.ids, answers.ties.scores, answers.ties.offsets, answers.own)
    ideal = ideal_dcg(answers.qrels, len(answers.ids), CUT)
    return ndcg_bounds(gains_of(answers.qrels, ids, offsets), scores, offsets, ideal, CUT)


def _is_neighbor(answers: Answers, ties: Ties) -> NDArray[np.bool_]:
    """(T,) whether each document is no farther than its query's true tenth neighbor, within recall's tolerance."""
    distances = answers.true_distances.astype(np.float64)
    cut = distances[:, CUT - 1] + answers.tolerance[:, 0]
    queries, columns = np.nonzero(distances <= cut[:, None])
    nearest = np.stack([queries, answers.true_ids[queries, columns], np.ones(len(queries), np.int64)], axis=1)
    found = gains_of(nearest, ties.ids, ties.offsets) > 0
    # Where all stored neighbors are that near, there may be more.
    for query in np.flatnonzero(distances[:, -1] <= cut):
        own = slice(ties.offsets[query], ties.offsets[query + 1])
        found[own] = answers.distances_to(int(query), ties.ids[own]).astype(np.float32) <= cut[query]
    return found
