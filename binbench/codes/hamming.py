"""Exact Hamming distances and nearest neighbours, in the total order (distance, row).

Codes tie massively: 256 bits have 257 possible distances, so which of the tied rows stand at the cut is part of the
answer. The numpy functions are the reference; those on faiss are fast.

`documents` and `queries` are (N, words) and (Q, words) uint64, as :mod:`binbench.codes.packing` makes them; the bits
that fill the last word are ignored. All raise UserError where the arrays are not of `bits` bits.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from binbench.codes.packing import Bits, Words, as_bytes, cleared
from binbench.errors import UserError

Rows = NDArray[np.int64]
Distances = NDArray[np.int32]

#: Rows whose words are compared with a query at once.
_BLOCK = 65536
#: Results that a batch of the search for ties holds, about.
_RESULTS = 1 << 22
#: Distances held at once by a search that keeps a large share of the documents, about: they stay in the cache.
_KEYS = 1 << 17
#: Such a search keeps more than one document in this many. There faiss' heap spends its time on being updated, and
#: selecting from all distances is 14 times as fast at k = N / 2 (benchmarks/codes.py --rows 5000 --k 2500, one thread).
_DEEP = 64
#: Bits times rows kept up to which a single query's rows are noted by distance: 8 bytes each, within the cache.
_COUNTED = 1 << 17


def distances(queries: Words, documents: Words, bits: int) -> Distances:
    """All (Q, N) Hamming distances."""
    queries, documents = cleared(queries, bits), cleared(documents, bits)
    found = np.empty((len(queries), len(documents)), dtype=np.int32)
    for start in range(0, len(documents), _BLOCK):
        block = documents[start : start + _BLOCK]
        for i, query in enumerate(queries):
            np.bitwise_count(block ^ query).sum(axis=1, dtype=np.int32, out=found[i, start : start + _BLOCK])
    return found


def knn_numpy(queries: Words, documents: Words, bits: int, k: int) -> tuple[Rows, Distances]:
    """As :func:`knn`, on numpy alone."""
    _check(k)
    rows, found = _padded(len(queries), k, bits)
    kept = min(k, len(documents))
    for i in range(len(queries)):
        row = distances(queries[i : i + 1], documents, bits)[0]
        rows[i, :kept] = np.argsort(row, kind="stable")[:kept]
        found[i, :kept] = row[rows[i, :kept]]
    return rows, found


def knn(queries: Words, documents: Words, bits: int, k: int) -> tuple[Rows, Distances]:
    """The `k` nearest documents of each query by (distance, row), with distances by faiss.

    Returns:
        rows (Q, k) int64 and distances (Q, k) int32, nearest first, padded with -1 and `bits` + 1 where k > N.
    """
    return knn_unchecked(cleared(queries, bits), cleared(documents, bits), bits, k)


def knn_unchecked(queries: Words, documents: Words, bits: int, k: int) -> tuple[Rows, Distances]:
    """As :func:`knn`, for codes that are known to be of `bits` bits, with nothing after them."""
    _check(k)
    kept = min(k, len(documents))
    if kept == 0 or len(queries) == 0:
        return _padded(len(queries), k, bits)
    asked, searched = as_bytes(queries), as_bytes(documents)
    if kept * _DEEP <= len(documents):
        rows, found = _knn_heap(asked, searched, kept)
    elif len(queries) == 1 and kept * bits <= _COUNTED:
        rows, found = _knn_counted(asked, searched, kept)
    else:
        rows, found = _knn_selected(asked, searched, bits, kept)
    if kept < k:
        margin = ((0, 0), (0, k - kept))
        rows = np.pad(rows, margin, constant_values=-1)
        found = np.pad(found, margin, constant_values=bits + 1)
    return rows, found


def _knn_heap(queries: Bits, documents: Bits, k: int) -> tuple[Rows, Distances]:
    """By faiss alone.

    It scans the rows in order, replaces the worst of its heap only by a strictly smaller distance, and its heap
    compares (distance, row); what it keeps at the cut are thus the first of the tied rows, on any number of threads,
    and nothing is left to sort. The tests hold it to the reference on all ties.
    """
    import faiss

    found, rows = faiss.knn_hamming(queries, documents, k, variant="hc")
    return rows, found


def _knn_counted(query: Bits, documents: Bits, k: int) -> tuple[Rows, Distances]:
    """By faiss, which notes the first `k` rows at each distance and reads them off: the quickest for a single query."""
    import faiss

    rows, found = np.empty((1, k), np.int64), np.empty((1, k), np.int32)
    asked, searched = faiss.swig_ptr(query), faiss.swig_ptr(documents)
    nearest = faiss.swig_ptr(found), faiss.swig_ptr(rows)
    faiss.hammings_knn_mc(asked, searched, 1, len(documents), k, documents.shape[1], *nearest)
    return rows, found


def _knn_selected(queries: Bits, documents: Bits, bits: int, k: int) -> tuple[Rows, Distances]:
    """By selecting from all distances: a distance with its row behind it is one integer, and these sort as wanted."""
    import faiss

    count, width = documents.shape
    shift = count.bit_length()
    dtype = np.int32 if shift + bits.bit_length() < 32 else np.int64
    every_row = np.arange(count, dtype=dtype)
    nearest = np.empty((len(queries), k), dtype)
    step = max(1, _KEYS // count)
    for start in range(0, len(queries), step):
        block = queries[start : start + step]
        found = np.empty((len(block), count), np.int32)
        asked, searched = faiss.swig_ptr(block), faiss.swig_ptr(documents)
        faiss.hammings(asked, searched, len(block), count, width, faiss.swig_ptr(found))
        keys = found.astype(dtype, copy=False)
        keys <<= shift
        keys |= every_row
        keys.partition(k - 1, axis=1)
        nearest[start : start + step] = keys[:, :k]
    nearest.sort(axis=1)
    return (nearest & ((1 << shift) - 1)).astype(np.int64), (nearest >> shift).astype(np.int32, copy=False)


def tied(queries: Words, documents: Words, bits: int, k: int) -> tuple[Rows, Distances, Rows]:
    """Every document at most as far from a query as its `k`-th nearest: the neighbours and all that tie at the cut.

    Returns:
        rows (n,) int64 of all queries in turn, each by (distance, row); their distances (n,) int32; and offsets
        (Q + 1,) int64, of which i and i + 1 bound the stretch of query i.
    """
    _check(k)
    nearest: dict[int, tuple[Rows, Distances]] = {}
    pending = np.arange(len(queries))
    depth = k
    while len(pending):
        depth = min(2 * depth, len(documents))
        batch = max(1, _RESULTS // max(1, depth))
        unresolved = []
        for start in range(0, len(pending), batch):
            asked = pending[start : start + batch]
            for i, rows, found in zip(asked, *knn(queries[asked], documents, bits, max(1, depth)), strict=True):
                cut = found[min(k, len(found)) - 1]
                if depth < len(documents) and found[-1] == cut:
                    unresolved.append(i)
                    continue
                kept = np.searchsorted(found[:depth], cut, side="right")
                nearest[int(i)] = rows[:kept].copy(), found[:kept].copy()
        pending = np.array(unresolved, dtype=np.int64)
    stretches = [nearest[i] for i in range(len(queries))]
    offsets = np.cumsum([0, *(len(rows) for rows, _ in stretches)], dtype=np.int64)
    all_rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in stretches)])
    return all_rows, np.concatenate([np.empty(0, np.int32), *(found for _, found in stretches)]), offsets


def similarities(found: Distances, bits: int) -> NDArray[np.float32]:
    """Distances as scores 1 - 2·h/bits in [-1, 1] float32, larger is better; padding becomes -inf."""
    # A table of the bits + 2 possible scores: one look-up is what a single query has time for.
    return _score_table(bits).take(found)


@cache
def _score_table(bits: int) -> NDArray[np.float32]:
    table = (1 - 2 * np.arange(bits + 2) / bits).astype(np.float32)
    table[bits + 1] = -np.inf
    return table


def _padded(queries: int, k: int, bits: int) -> tuple[Rows, Distances]:
    return np.full((queries, k), -1, dtype=np.int64), np.full((queries, k), bits + 1, dtype=np.int32)


def _check(k: int) -> None:
    if k < 1:
        raise UserError(f"k: expected at least 1, got {k}")
