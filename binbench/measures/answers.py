"""What measures look at: one run's answers beside the truth, as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ties:
    """The documents that share the scores of each query's best, where a method could name them.

    Attributes:
        ids, scores: (T,) of all queries in turn.
        offsets: (Q + 1,) query q owns the entries from offsets[q] to offsets[q + 1].
    """

    ids: NDArray[np.integer[Any]]
    scores: NDArray[Any]
    offsets: NDArray[Any]


@dataclass(frozen=True)
class Answers:
    """One run's answers.

    Attributes:
        ids: (Q, k) returned rows, best first, padded with -1.
        distances: (Q, k) their true distances, inf where padded.
        true_ids, true_distances: (Q, K) the exact nearest rows and their distances, ascending.
        distance: ``angular`` or ``euclidean``.
        scores: (Q, k) the method's own, larger is better; None where they are not stored.
        ties: None where the method could not name them.
        qrels: (n, 3) query row, document row, grade; None without judgements.
        judged_everywhere: whether every query is judged, as in a collection's split: one without known judgements has
            found nothing.
        own: (Q,) the row of the document with the query's own id, -1 where there is none.
        query_ids, document_ids: what the rows are called, or None.
        distances_to: (query row, (n,) document rows) → (n,) true distances, for documents that were not returned.
    """

    ids: NDArray[np.integer[Any]]
    distances: NDArray[Any]
    true_ids: NDArray[np.integer[Any]]
    true_distances: NDArray[Any]
    distance: str
    scores: NDArray[Any] | None
    ties: Ties | None
    qrels: NDArray[np.integer[Any]] | None
    judged_everywhere: bool
    own: NDArray[np.int64]
    query_ids: Sequence[str] | None
    document_ids: Sequence[str] | None
    distances_to: Callable[[int, NDArray[np.integer[Any]]], Array]

    @property
    def depth(self) -> int:
        """Up to here answers can be held against the exact neighbors."""
        return min(self.ids.shape[1], self.true_ids.shape[1])

    @cached_property
    def true_scores(self) -> Array:
        """(Q, k) on the scale that `float` scores on, so that its own error is nil."""
        distances = self.distances.astype(np.float64)
        return 1 - distances if self.distance == "angular" else -(distances**2)

    @cached_property
    def trec(self) -> dict[str, Array]:
        """trec_eval's measures by their own names, (Q,) each; 0 for queries that are not judged."""
        from binbench.measures.relevance import in_trec_order, judged_queries, relevance

        assert self.qrels is not None
        ids = self.ids
        if self.document_ids is not None:
            ids = in_trec_order(ids, self.distances, self.document_ids)
        named = (self.query_ids, self.document_ids) if (self.own >= 0).any() else (None, None)
        judged = judged_queries(self.qrels)
        values = {}
        for name, found in relevance(self.qrels, ids, len(ids), *named).items():
            values[name] = np.zeros(len(ids))
            values[name][judged] = found
        return values

    def judged_only(self, values: Array) -> Array:
        """`values` (Q,) with NaN for queries that are not judged."""
        from binbench.measures.relevance import judged_queries

        if self.judged_everywhere or self.qrels is None:
            return values
        return np.where(np.isin(np.arange(len(values)), judged_queries(self.qrels)), values, np.nan)
