"""Exact nearest neighbours, streamed: memory is bounded by the blocks, not by the set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

#: How people rank, and what their distance is called in a set.
DISTANCES = {"cosine": "angular", "euclidean": "euclidean", "ip": "ip"}
_QUERY_BLOCK = 512
#: Pairs of query and row whose distance is computed in float64 at once.
_PAIRS = 4096
# A float32 product of unit vectors is that of exact arithmetic up to half of this.
_SLACK = 2e-6


def nearest(
    blocks: Iterable[NDArray[np.float32]],
    queries: NDArray[np.float32],
    k: int,
    distance: str = "angular",
    progress: Callable[[int], None] = lambda rows: None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest base rows of every query, best first, ties by row number.

    Candidates are found with float32 products and ranked by distances in float64, so that equal vectors tie exactly.

    Args:
        blocks: the base vectors in row order, (n, d) float32 each; unit rows for ``angular``.
        queries: (Q, d) float32; unit rows for ``angular``.
        k: at most the number of base rows.
        distance: ``angular`` (1 − cosine), ``euclidean`` or ``ip`` (minus the inner product).
        progress: told the number of base rows after each block.

    Returns:
        neighbors (Q, k) int32 and distances (Q, k) float32, ascending.
    """
    chunks = [slice(i, i + _QUERY_BLOCK) for i in range(0, len(queries), _QUERY_BLOCK)]
    pools = [_Pool(queries[chunk], k, distance) for chunk in chunks]
    row = 0
    for block in blocks:
        for pool in pools:
            pool.add(row, block)
        row += len(block)
        progress(len(block))
    answers = [pool.best() for pool in pools]
    return np.concatenate([a[0] for a in answers]), np.concatenate([a[1] for a in answers])


def distances_to(
    train: NDArray[np.float32], queries: NDArray[np.float32], ids: NDArray[np.integer], distance: str = "angular"
) -> NDArray[np.float64]:
    """Distances from each query to the base rows in its row of `ids`, computed in float64.

    Args:
        train: (N, d) base vectors.
        queries: (Q, d).
        ids: (Q, k) row numbers; -1 pads.
        distance: as for :func:`nearest`.

    Returns:
        (Q, k) float64, inf where `ids` is -1.
    """
    result = np.full(ids.shape, np.inf)
    step = max(1, (1 << 22) // max(1, ids.shape[1] * train.shape[1]))
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        rows = train[np.maximum(ids[some], 0)]
        if distance != "angular":
            result[some] = _exact(rows, queries[some, None, :], distance)
        else:
            products = np.matmul(rows.astype(np.float64), queries[some, :, None].astype(np.float64))
            result[some] = 1.0 - products[..., 0]
    result[ids < 0] = np.inf
    return result


class _Pool:
    """The candidates so far of one block of queries."""

    def __init__(self, queries: NDArray[np.float32], k: int, distance: str) -> None:
        self.queries, self.k, self.distance = queries, k, distance
        self.bar = np.full(len(queries), -np.inf, dtype=np.float32)  # what the k-th best so far scores at least
        self.query = np.empty(0, dtype=np.int64)
        self.row = np.empty(0, dtype=np.int64)
        self.score = np.empty(0, dtype=np.float32)
        self.exact = np.empty(0, dtype=np.float64)
        self.longest = float(np.linalg.norm(queries, axis=1).max(initial=0))

    def add(self, first: int, block: NDArray[np.float32]) -> None:
        scores = self.queries @ block.T
        slack = np.full(len(block), _SLACK, dtype=np.float32)
        if self.distance != "angular":
            norms = np.linalg.norm(block, axis=1).astype(np.float32)
            slack *= norms * self.longest
            if self.distance == "euclidean":
                # |q − x|² = |q|² − 2(q·x − |x|²/2): the bracket ranks as the distance does.
                scores -= norms**2 / 2
                slack += _SLACK * norms**2
        # The most that exact arithmetic could make of each.
        scores += slack / 2
        bar = self.bar
        if len(block) >= self.k and np.isneginf(bar[0]):
            bar = np.maximum(bar, np.partition(scores - slack, len(block) - self.k, axis=1)[:, len(block) - self.k])
        query, column = np.divmod(np.flatnonzero(scores >= bar[:, None]), len(block))
        steps = range(0, len(query), _PAIRS)
        exact = [
            _exact(block[column[i : i + _PAIRS]], self.queries[query[i : i + _PAIRS]], self.distance) for i in steps
        ]
        self.query = np.concatenate([self.query, query])
        self.row = np.concatenate([self.row, column + first])
        self.score = np.concatenate([self.score, scores[query, column] - slack[column]])
        self.exact = np.concatenate([self.exact, *exact])
        self._prune()

    def _prune(self) -> None:
        """Keep the k best of every query by (distance, row); the last one kept sets the bar."""
        order = np.lexsort((self.row, self.exact, self.query))
        query = self.query[order]
        starts = np.searchsorted(query, np.arange(len(self.queries)))
        kept = order[np.arange(len(order)) - starts[query] < self.k]
        self.query, self.row = self.query[kept], self.row[kept]
        self.score, self.exact = self.score[kept], self.exact[kept]
        full = np.bincount(self.query, minlength=len(self.queries)) == self.k
        last = np.cumsum(np.bincount(self.query, minlength=len(self.queries))) - 1
        self.bar[full] = self.score[last[full]]

    def best(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        shape = len(self.queries), self.k
        return self.row.reshape(shape).astype(np.int32), self.exact.reshape(shape).astype(np.float32)


def _exact(rows: NDArray[np.float32], queries: NDArray[np.float32], distance: str) -> NDArray[np.float64]:
    if distance == "euclidean":
        return np.sqrt(np.square(rows.astype(np.float64) - queries).sum(axis=-1))
    # The same summation order for every pair: equal rows get equal distances wherever they stand.
    products = (rows.astype(np.float64) * queries).sum(axis=-1)
    return 1.0 - products if distance == "angular" else -products
