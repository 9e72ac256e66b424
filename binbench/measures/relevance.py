"""Measures against relevance judgements, exactly trec_eval's (through pytrec_eval)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.measures.answers import Answers
from binbench.measures.ranking import first_occurrences
from binbench.measures.registry import measure

Array = NDArray[np.float64]
Ids = NDArray[np.integer[Any]]

#: Our names, the depth a ranking needs for them, and trec_eval's names.
TREC_NAMES = {
    "ndcg@10": (10, "ndcg_cut_10"),
    "recall@10": (10, "recall_10"),
    "recall@100": (100, "recall_100"),
    "map@10": (10, "map_cut_10"),
    "mrr@10": (10, "recip_rank"),
}
DEPTH = 100
_SCORES = [float(-rank) for rank in range(DEPTH)]
#: Queries evaluated at a time, so that memory does not grow with the number of queries.
BATCH = 256

Run = Mapping[str, Mapping[str, float]]
Qrels = Mapping[str, Mapping[str, int]]


def relevance(
    qrels: NDArray[np.integer[Any]],
    ids: Ids,
    n_queries: int,
    query_ids: Sequence[str] | None = None,
    doc_ids: Sequence[str] | None = None,
) -> dict[str, Array]:
    """nDCG@10, recall@10, recall@100, MAP@10 and MRR@10 of every judged query.

    A query is judged when `qrels` names it; one without results or without relevant documents has 0. Gains are linear
    in the grade; grades of 1 and more are relevant. MAP divides by all relevant documents.

    Args:
        qrels: (n, 3) query row, document row, grade.
        ids: (Q, k) the returned documents, best first, padded with -1. Their order is the ranking: scores are derived
            from the rank, so trec_eval has no ties to break. Repeated documents are dropped.
        n_queries: Q.
        query_ids, doc_ids: where both are given, a document with the query's own id is dropped before the cut at 10
            or 100 (as beir does; it matters for ArguAna and Quora). Ask the method for one document more than the cut
            where that happens.

    Returns:
        measure name → (J,) values of the J judged queries in row order (see :func:`judged_queries`). Measures at a cut
        beyond k are absent.

    Raises:
        ValueError: the shapes disagree, or a judgement names a query row outside 0 … Q-1.
    """
    if len(ids) != n_queries:
        raise ValueError(f"ids has {len(ids)} rows for {n_queries} queries")
    judged = judged_queries(qrels)
    if len(judged) and not (judged[0] >= 0 and judged[-1] < n_queries):
        raise ValueError(f"qrels name query rows {judged[0]} to {judged[-1]} of {n_queries} queries")
    own = own_documents(query_ids, doc_ids) if query_ids is not None and doc_ids is not None else None
    measures = [name for name, (depth, _) in TREC_NAMES.items() if depth <= ids.shape[1]]
    values = {name: np.zeros(len(judged)) for name in measures}
    if not measures:
        return values
    ordered = qrels[np.argsort(qrels[:, 0], kind="stable")]
    for start in range(0, len(judged), BATCH):
        batch = judged[start : start + BATCH]
        first, last = np.searchsorted(ordered[:, 0], [batch[0], batch[-1] + 1])
        found = evaluate_run(
            _by_query(ordered[first:last]), _ranked(batch, ids[batch], None if own is None else own[batch]), measures
        )
        for name in measures:
            values[name][start : start + len(batch)] = [found[str(query)][name] for query in batch]
    return values


def evaluate_run(qrels: Qrels, run: Run, measures: Sequence[str] = tuple(TREC_NAMES)) -> dict[str, dict[str, float]]:
    """Each of `measures` for every query of `qrels`; equal scores are ranked by document id, descending (trec_eval).

    Args:
        qrels: query id → document id → grade.
        run: query id → document id → score, larger is better.
        measures: names from :data:`TREC_NAMES`.

    Returns:
        query id → measure → value; 0 for queries that `run` lacks.
    """
    import pytrec_eval

    names = {name: TREC_NAMES[name][1] for name in measures}
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, set(names.values()))
    found = evaluator.evaluate(run)
    figures = {}
    for query in qrels:
        values = found.get(query, {})
        figures[query] = {name: values.get(trec_name, 0.0) for name, trec_name in names.items()}
        if figures[query].get("mrr@10", 1.0) < 1 / 10:
            figures[query]["mrr@10"] = 0.0
    return figures


def judged_queries(qrels: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """The query rows that `qrels` (n, 3) names, ascending: the queries that averages run over."""
    return np.unique(qrels[:, 0]).astype(np.int64)


def own_documents(query_ids: Sequence[str], doc_ids: Sequence[str]) -> NDArray[np.int64]:
    """(Q,) the row of the document with the query's own id, -1 where there is none."""
    queries = {query: row for row, query in enumerate(query_ids)}
    own = np.full(len(query_ids), -1, dtype=np.int64)
    for row, document in enumerate(doc_ids):
        query = queries.get(document)
        if query is not None:
            own[query] = row
    return own


def in_trec_order(ids: Ids, distances: NDArray[np.floating[Any]], doc_ids: Sequence[str]) -> Ids:
    """`ids` with documents side by side at exactly equal true distance in trec_eval's order: by id, descending.

    Such documents are duplicates in practice: no method could tell them apart. trec_eval orders equal scores by id, and
    published figures were made that way (NFCorpus holds texts twice, which moves its nDCG@10 by .0007); all other
    documents keep the method's order.

    Args:
        ids: (Q, k) document rows, best first, padded with -1.
        distances: (Q, k) their true distances, inf where padded.
        doc_ids: what the rows are called.
    """
    equal = (distances[:, 1:] == distances[:, :-1]) & np.isfinite(distances[:, 1:])
    ordered = ids.copy()
    for query in np.flatnonzero(equal.any(axis=1)):
        bounds = [0, *(np.flatnonzero(~equal[query]) + 1).tolist(), ids.shape[1]]
        for start, end in pairwise(bounds):
            if end - start > 1:
                # trec_eval compares bytes.
                ordered[query, start:end] = sorted(
                    ids[query, start:end], key=lambda row: doc_ids[row].encode(), reverse=True
                )
    return ordered


def rankings(ids: Ids, own: NDArray[np.int64] | None = None) -> Iterator[list[int]]:
    """The documents of each row of `ids` (Q, k) without padding, repeats and the document `own` (Q,), best first."""
    keep = first_occurrences(ids)
    if own is not None:
        keep &= ids != own[:, None]
    for row, kept in zip(ids, keep, strict=True):
        yield row[kept].tolist()


def _ranked(queries: NDArray[np.int64], ids: Ids, own: NDArray[np.int64] | None) -> Run:
    return {
        str(query): dict(zip(map(str, ranking[:DEPTH]), _SCORES, strict=False))
        for query, ranking in zip(queries, rankings(ids, own), strict=True)
    }


def _by_query(qrels: NDArray[np.integer[Any]]) -> Qrels:
    found: dict[str, dict[str, int]] = {}
    for query, document, grade in qrels.tolist():
        found.setdefault(str(query), {})[str(document)] = grade
    return found


def judged_only(values: Array, answers: Answers) -> Array:
    """`values` (Q,) with NaN for queries that are not judged, unless every query of the set counts as judged."""
    if answers.judged_everywhere or answers.qrels is None:
        return values
    return np.where(np.isin(np.arange(len(values)), judged_queries(answers.qrels)), values, np.nan)


def _table(answers: Answers) -> dict[str, Array]:
    """What :func:`relevance` finds, (Q,) each; 0 for queries that are not judged."""
    assert answers.qrels is not None
    ids = answers.ids
    if answers.document_ids is not None:
        ids = in_trec_order(ids, answers.distances, answers.document_ids)
    named = (answers.query_ids, answers.document_ids) if (answers.own >= 0).any() else (None, None)
    found = relevance(answers.qrels, ids, len(ids), *named)
    values = {name: np.zeros(len(ids)) for name in found}
    for name, of_judged in found.items():
        values[name][judged_queries(answers.qrels)] = of_judged
    return values


def _of_table(answers: Answers, figure: str) -> Array:
    return judged_only(answers.once(_table)[figure], answers)


_FOUND = "share of all relevant documents found"
for _name, _label, _definition in (
    ("ndcg@10", "nDCG@10", "trec_eval's ndcg_cut_10: linear gains, discount log2(rank + 1) from rank 1"),
    ("qrels_recall@10", "recall (qrels)@10", f"trec_eval's recall_10: {_FOUND}"),
    ("qrels_recall@100", "recall (qrels)@100", f"trec_eval's recall_100: {_FOUND}"),
    ("map@10", "MAP@10", "trec_eval's map_cut_10: average precision, divided by all relevant documents"),
    ("mrr@10", "MRR@10", "1 / rank of the first relevant document, 0 beyond rank 10"),
):
    # Recall is the one name that both families have.
    _figure = [{"figure": _name.removeprefix("qrels_")}]
    measure(_name, against="qrels", definition=_definition, label=_label, values=_figure)(_of_table)
