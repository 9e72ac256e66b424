"""What measures look at: one run's answers beside the truth, as plain arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: A document counts as a true neighbor up to this much farther than the k-th nearest.
TOLERANCE = 1e-6
Found = TypeVar("Found")


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
        distance: ``angular``, ``euclidean`` or ``ip``.
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
    _found: dict[Callable[..., Any], Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def tolerance(self) -> Array:
        """(Q, 1) how much farther than a true neighbor still counts as near: 1e-6, on the scale of the query's own.

        Distances other than angular ones have the scale of the vectors.
        """
        if self.distance == "angular":
            return np.full((len(self.true_distances), 1), TOLERANCE)
        return TOLERANCE * np.abs(self.true_distances).max(axis=1, keepdims=True).astype(np.float64)

    def once(self, function: Callable[[Answers], Found]) -> Found:
        """`function` of these answers, computed the first time that a measure asks for it."""
        if function not in self._found:
            self._found[function] = function(self)
        found: Found = self._found[function]
        return found
