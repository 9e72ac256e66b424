"""A stored result's answers beside the truth of its embedding set."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.harness.promises import BadAnswer, checked, checked_ties
from binbench.measures.answers import Answers, Ties
from binbench.measures.relevance import own_documents
from binbench.records.record import Record
from binbench.records.store import REMEDY, member
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import distances_to
from binbench.sets.subsets import Subset


def answers_of(record: Record, embeddings: EmbeddingSet) -> Answers:
    """The answers of `record`, which was measured on `embeddings` or a subset of its documents.

    Raises:
        UserError: the result is damaged.
    """
    queries, n = len(embeddings.test), len(embeddings.train)
    shape = queries, record.k
    ids, tied = (
        stored(record, "neighbors", shape),
        [member(record.path, f"tied_{name}") for name in Ties.__annotations__],
    )
    scores, true = member(record.path, "scores", shape), stored(record, "distances", shape)
    try:
        checked((ids, np.zeros(shape) if scores is None else scores), queries, record.k, n)
        ties = None if any(array is None for array in tied) else Ties(*checked_ties(tuple(tied), queries, n))
    except BadAnswer as error:
        raise UserError(f"{record.path} is damaged: {error}; {REMEDY}") from error

    def distances(query: int, ids: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        return distances_to(embeddings.train, embeddings.test[query : query + 1], ids[None], embeddings.distance)[0]

    subset = subset_of(record, embeddings)
    qrels = subset.qrels if subset else embeddings.qrels
    true_ids, true_distances = subset.truth if subset else (embeddings.neighbors, embeddings.distances)
    return Answers(
        ids=ids,
        distances=true,
        true_ids=true_ids,
        true_distances=true_distances,
        distance=embeddings.distance,
        scores=scores,
        ties=ties,
        qrels=qrels,
        # A collection's set holds judged queries only; a subset may have lost what is relevant to some of them.
        judged_everywhere=bool(embeddings.attributes.get("split")) and not (subset and subset.lost),
        own=own_documents_of(embeddings.path, embeddings.path.stat().st_mtime_ns),
        query_ids=embeddings.test_ids,
        document_ids=embeddings.train_ids,
        distances_to=distances,
    )


def subset_of(record: Record, embeddings: EmbeddingSet) -> Subset | None:
    """The subset of `embeddings` that `record` was measured on; None for all documents."""
    if not record.is_subset or record.documents is None:
        return None
    return Subset(embeddings, record.documents, record.path.parents[2])


def stored(record: Record, name: str, shape: tuple[int, int]) -> NDArray[Any]:
    """An array that every result with answers has.

    Raises:
        UserError: it has not.
    """
    found = member(record.path, name, shape)
    if found is None:
        raise UserError(f"{record.path} is damaged: it has no {name!r}; {REMEDY}")
    return found


@lru_cache(maxsize=64)
def own_documents_of(path: Path, mtime: int) -> NDArray[np.int64]:
    """(Q,) the row of the document with the query's own id, -1 where there is none; `mtime` is the set file's."""
    embeddings = EmbeddingSet.open(path)
    if embeddings.test_ids is None or embeddings.train_ids is None:
        return np.full(len(embeddings.test), -1, np.int64)
    return own_documents(embeddings.test_ids, embeddings.train_ids)
