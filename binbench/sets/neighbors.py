"""Exact nearest neighbours, streamed: memory is bounded by the blocks, not by the set."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binbench.plugins.faiss_index import MARGIN, blas_distances, one_thread

#: How people rank, and what their distance is called in a set.
DISTANCES = {"cosine": "angular", "euclidean": "euclidean", "ip": "ip"}
#: Bytes of base vectors that are best searched at a time: the more, the fewer candidates are found in vain.
BLOCK_BYTES = 1 << 27
# Candidates at a time, and products that a GPU holds at a time.
_CANDIDATES, _PRODUCTS = 1 << 23, 1 << 30
# Coordinates in float64 at a time: they stay in the processor's cache.
_EXACT = 1 << 17
# A float32 product of unit vectors is that of exact arithmetic up to half of this.
_SLACK = 2e-6


def block_rows(dimension: int) -> int:
    """How many rows of base vectors are best searched at a time."""
    return max(1, BLOCK_BYTES // (4 * dimension))


def nearest(
    blocks: Iterable[NDArray[np.float32]],
    queries: NDArray[np.float32],
    k: int,
    distance: str = "angular",
    progress: Callable[[int], None] = lambda rows: None,
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """The `k` nearest base rows of every query, best first, ties by row number.

    Candidates are found with float32 products (faiss', or torch's where there is a GPU) and ranked by distances in
    float64, so that equal vectors tie exactly and the answer depends neither on the blocks nor on who multiplies.

    Args:
        blocks: the base vectors in row order, (n, d) float32 each; unit rows for ``angular``.
        queries: (Q, d) float32; unit rows for ``angular``.
        k: at most the number of base rows.
        distance: ``angular`` (1 − cosine), ``euclidean`` or ``ip`` (minus the inner product).
        progress: told the number of base rows after each block.

    Returns:
        neighbors (Q, k) int32 and distances (Q, k) float32, ascending.
    """
    found, row = Nearest(queries, k, distance), 0
    for block in blocks:
        found.add(row, block)
        row += len(block)
        progress(len(block))
    return found.rows.astype(np.int32), found.distances.astype(np.float32)


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


class Nearest:
    """The nearest of the base rows that were added so far.

    Attributes:
        rows: (Q, k) int64, best first; the largest integer where fewer were added.
        distances: (Q, k) float64, ascending, inf where fewer were added.
    """

    def __init__(self, queries: NDArray[np.float32], k: int, distance: str = "angular") -> None:
        self.queries, self.k, self.distance = queries, k, distance
        self.rows = np.full((len(queries), k), np.iinfo(np.int64).max)
        self.distances = np.full((len(queries), k), np.inf)
        self.norms = np.linalg.norm(queries.astype(np.float64), axis=1)
        self.asked = np.ascontiguousarray(queries, np.float32)
        if distance != "angular":
            self.asked = np.column_stack([self.asked, np.ones(len(queries), np.float32)])

    def add(self, first: int, block: NDArray[np.float32]) -> None:
        """Look through `block` (n, d), the rows from number `first` on."""
        block = np.ascontiguousarray(block, np.float32)
        bounds = self._bounding(block)
        # Threads of our own, each with a part of the queries, wait for one another once a block; those of BLAS always.
        workers = 1 if _gpu() else _threads()
        parts = [part for part in np.array_split(np.arange(len(self.queries)), workers) if len(part)]
        search = partial(self._search, first, block, *bounds)
        with blas_distances(), ThreadPoolExecutor(workers) as pool:
            # A thread that is new touches all its memory for the first time.
            list((pool.map if workers > 1 else map)(search, parts))

    def _search(
        self,
        first: int,
        block: NDArray[np.float32],
        rows: NDArray[np.float32],
        slack: NDArray[np.float32],
        todo: NDArray[np.int64],
    ) -> None:
        kept = min(self.k, len(block))
        depth = min(kept + MARGIN, len(block))
        while len(todo):
            step, unsure = max(1, min(_CANDIDATES // depth, _PRODUCTS // len(block))), []
            for start in range(0, len(todo), step):
                query = todo[start : start + step]
                most, columns = _top(self.asked[query], rows, depth)
                least = most - slack[columns]
                if self.distance == "angular":
                    most = most + slack[0] / 2
                bar = self._bar(query)
                if kept == self.k:
                    bar = np.maximum(bar, np.partition(least, depth - kept, axis=1)[:, depth - kept])
                # Beyond what was asked for there may be more that rounding alone has put behind.
                sure = (most[:, -1] < bar) | (depth == len(block))
                unsure.append(query[~sure])
                self._take(query[sure], first, block, columns[sure], (most >= bar[:, None])[sure])
            todo, depth = np.concatenate(unsure), min(4 * depth, len(block))

    def merge(self, query: NDArray[np.int64], rows: NDArray[np.int64], distances: NDArray[np.float64]) -> None:
        """Take the best of what there is and of other `rows` (q, m) with their `distances`, for the rows of `query`."""
        # Before the first block there is nothing to be sorted in.
        held = int(np.isfinite(self.distances[query]).any(axis=0).sum())
        rows = np.concatenate([self.rows[query, :held], rows], axis=1)
        distances = np.concatenate([self.distances[query, :held], distances], axis=1)
        order = np.lexsort((rows, distances), axis=-1)[:, : self.k]
        self.rows[query, : order.shape[1]] = np.take_along_axis(rows, order, axis=1)
        self.distances[query, : order.shape[1]] = np.take_along_axis(distances, order, axis=1)

    def _bounding(self, block: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Rows whose products with `asked` rank as the distance does, and how far these can be from exact ones.

        A last coordinate, which meets a 1, makes the product the most that exact arithmetic could make of it.
        """
        if self.distance == "angular":
            return block, np.full(len(block), _SLACK, np.float32)
        norms = np.linalg.norm(block, axis=1).astype(np.float32)
        slack = np.float32(_SLACK * self.norms.max(initial=0)) * norms
        if self.distance == "ip":
            return np.column_stack([block, slack / 2]), slack
        # |q − x|² = |q|² − 2(q·x − |x|²/2): the bracket ranks as the distance does.
        slack += np.float32(_SLACK) * norms**2
        return np.column_stack([block, slack / 2 - norms**2 / 2]), slack

    def _bar(self, query: NDArray[np.int64]) -> NDArray[np.float64]:
        """What the k-th best so far would score, -inf where there are fewer."""
        last = self.distances[query, -1]
        if self.distance == "euclidean":
            return (self.norms[query] ** 2 - last**2) / 2
        return 1 - last if self.distance == "angular" else -last

    def _take(
        self,
        query: NDArray[np.int64],
        first: int,
        block: NDArray[np.float32],
        columns: NDArray[np.int64],
        near: NDArray[np.bool_],
    ) -> None:
        distances = np.full(columns.shape, np.inf)
        owner, place = np.nonzero(near)
        step = max(1, _EXACT // block.shape[1])
        for start in range(0, len(owner), step):
            one = owner[start : start + step], place[start : start + step]
            # `take` copies whole rows, in half the time of an index.
            rows, asked = block.take(columns[one], axis=0), self.queries.take(query[one[0]], axis=0)
            distances[one] = _exact(rows, asked, self.distance)
        self.merge(query, columns + first, distances)


def _top(queries: NDArray[np.float32], rows: NDArray[np.float32], depth: int) -> tuple[NDArray, NDArray]:
    """The `depth` largest products of each of `queries` with `rows`, (Q, depth), descending, and whose these are."""
    if device := _gpu():
        import torch

        # Whoever has allowed TF32 for a model has not allowed it here: it rounds a thousand times more than `_SLACK`.
        torch.set_float32_matmul_precision("highest")
        products = torch.tensor(queries, device=device) @ torch.tensor(rows, device=device).T
        found = torch.topk(products, depth)
        return found.values.cpu().numpy(), found.indices.cpu().numpy()
    import faiss

    with one_thread():
        scores, columns = faiss.knn(queries, rows, depth, metric=faiss.METRIC_INNER_PRODUCT)
    return scores, columns


def _threads() -> int:
    import faiss

    return int(faiss.omp_get_max_threads())


@cache
def _gpu() -> str:
    """The torch device of a GPU; empty where there is none, which is found out without loading torch."""
    if "torch" not in sys.modules and not Path("/proc/driver/nvidia").exists():
        return ""
    import torch

    return "cuda" if torch.cuda.is_available() else ""


def _exact(rows: NDArray[np.float32], queries: NDArray[np.float32], distance: str) -> NDArray[np.float64]:
    # numpy converts faster beforehand than while it computes.
    rows, queries = rows.astype(np.float64), queries.astype(np.float64)
    if distance == "euclidean":
        return np.sqrt(np.square(rows - queries).sum(axis=-1))
    # The same summation order for every pair: equal rows get equal distances wherever they stand.
    products = (rows * queries).sum(axis=-1)
    return 1.0 - products if distance == "angular" else -products
