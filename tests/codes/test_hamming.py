"""Hamming search against brute force over unpacked bits, on random and adversarial codes."""

from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binbench import UserError
from binbench.codes import hamming, packing


def brute_force(queries: np.ndarray, documents: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and distances of (Q, bits) against (N, bits) of {0,1}, padded as hamming.knn does."""
    bits = queries.shape[1]
    everything = (queries[:, None] != documents[None]).sum(axis=2)
    rows = np.array([sorted(range(len(documents)), key=lambda j: (row[j], j))[:k] for row in everything], dtype=int)
    rows = rows.reshape(len(queries), min(k, len(documents)))
    found = np.take_along_axis(everything, rows, axis=1)
    missing = ((0, 0), (0, k - rows.shape[1]))
    return np.pad(rows, missing, constant_values=-1), np.pad(found, missing, constant_values=bits + 1)


def by_heap(*arguments):
    """hamming.knn, made to search as for a small share of the documents."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_DEEP", 0)
        return hamming.knn(*arguments)


def by_selection(*arguments):
    """hamming.knn, made to search as for a large share of the documents."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_DEEP", 1 << 40)
        patch.setattr(hamming, "_COUNTED", 0)
        return hamming.knn(*arguments)


def by_counting(queries, *arguments):
    """hamming.knn, made to search as for one query after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hamming, "_DEEP", 1 << 40)
        patch.setattr(hamming, "_COUNTED", 1 << 40)
        answers = [hamming.knn(queries[i : i + 1], *arguments) for i in range(len(queries))]
        rows, found = zip(*answers, strict=True) if answers else ([], [])
        nothing = hamming.knn(queries[:0], *arguments)
        return tuple(np.concatenate([none, *parts]) for none, parts in zip(nothing, (rows, found), strict=True))


def assert_exact(queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    bits = queries.shape[1]
    packed = packing.pack(queries), packing.pack(documents)
    rows, found = brute_force(queries, documents, k)
    for knn in (by_heap, by_selection, by_counting, hamming.knn_numpy):
        actual_rows, actual_found = knn(*packed, bits, k)
        assert (actual_rows.dtype, actual_found.dtype) == (np.int64, np.int32)
        assert np.array_equal(actual_rows, rows)
        assert np.array_equal(actual_found, found)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 4),
    st.integers(0, 60),
    st.integers(1, 140),
    st.integers(1, 70),
    st.integers(1, 9),
)
def test_equal_to_brute_force(seed: int, q: int, n: int, bits: int, k: int, distinct: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    pool = rng.integers(0, 2, (distinct, bits), dtype=np.uint8)
    assert_exact(pool[rng.integers(0, distinct, q)], pool[rng.integers(0, distinct, n)], k)


@pytest.mark.parametrize("bits", [1, 7, 63, 64, 65, 128, 200, 256, 512, 1000])
@pytest.mark.parametrize("k", [1, 10, 299, 300, 301])
def test_odd_widths_and_depths(rng: np.random.Generator, bits: int, k: int) -> None:
    assert_exact(rng.integers(0, 2, (3, bits), dtype=np.uint8), rng.integers(0, 2, (300, bits), dtype=np.uint8), k)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("knn", [by_heap, by_selection, by_counting, hamming.knn])
@pytest.mark.parametrize("order", ["all equal", "ever nearer", "ever farther", "two kinds"])
def test_ties_beyond_faiss_blocks(order: str, knn, threads: int) -> None:
    n, bits = 70_000, 64  # faiss scans blocks of 65,536 rows
    wanted = {
        "all equal": np.full(n, 5),
        "ever nearer": 64 - np.arange(n) * 65 // n,
        "ever farther": np.arange(n) * 65 // n,
        "two kinds": np.where(np.arange(n) % 1000 == 999, 3, 4),
    }[order]
    documents = packing.pack(np.arange(bits) < wanted[:, None])
    queries = packing.pack(np.zeros((3, bits), dtype=np.uint8))
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(threads)
    try:
        for k in (1, 69, 71, 1500, n + 2):
            rows, found = knn(queries, documents, bits, k)
            best = np.argsort(wanted, kind="stable")[:k]
            assert np.array_equal(rows[:, :n], np.tile(best, (3, 1)))
            assert np.array_equal(found[:, :n], np.tile(wanted[best], (3, 1)))
    finally:
        faiss.omp_set_num_threads(before)


def test_selection_when_keys_outgrow_32_bits(rng: np.random.Generator) -> None:
    bits01 = rng.integers(0, 2, (300, 64), dtype=np.uint8)
    as_bytes = packing.as_bytes(packing.pack(bits01))
    # The width only bounds the distances: as if codes were that long, and differed in their first bits alone.
    rows, found = hamming._knn_selected(as_bytes[:3], as_bytes, 1 << 24, 20)
    expected = brute_force(bits01[:3], bits01, 20)
    assert np.array_equal(rows, expected[0])
    assert np.array_equal(found, expected[1])


@given(st.integers(0, 2**32), st.integers(0, 2**64 - 1))
@settings(max_examples=30, deadline=None)
def test_padding_never_counts(seed: int, noise: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    bits = 70
    queries, documents = (packing.pack(rng.integers(0, 2, (n, bits), dtype=np.uint8)) for n in (3, 40))
    dirty = documents.copy()
    dirty[::3, -1] ^= np.uint64(noise & ~0x3F)
    assert np.array_equal(hamming.distances(queries, dirty, bits), hamming.distances(queries, documents, bits))
    for knn in (hamming.knn, hamming.knn_numpy):
        assert np.array_equal(knn(queries, dirty, bits, 9)[0], knn(queries, documents, bits, 9)[0])


def test_distances_cross_their_blocks(rng: np.random.Generator) -> None:
    documents = rng.integers(0, 2**63, (hamming._BLOCK + 3, 1), dtype=np.uint64)
    queries = documents[-2:]
    found = hamming.distances(queries, documents, 64)
    for j in (0, 1, hamming._BLOCK - 1, hamming._BLOCK, hamming._BLOCK + 2):
        assert found[:, j].tolist() == [(int(q) ^ int(documents[j, 0])).bit_count() for q in queries[:, 0]]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 80), st.integers(1, 8), st.integers(1, 90))
def test_tied_is_all_within_the_kth_distance(seed: int, q: int, n: int, bits: int, k: int) -> None:
    rng = np.random.Generator(np.random.PCG64(seed))
    queries, documents = (rng.integers(0, 2, (size, bits), dtype=np.uint8) for size in (q, n))
    rows, found, offsets = hamming.tied(packing.pack(queries), packing.pack(documents), bits, k)
    assert (rows.dtype, found.dtype, offsets.dtype) == (np.int64, np.int32, np.int64)
    assert offsets.shape == (q + 1,)
    assert offsets[0] == 0
    assert offsets[-1] == len(rows) == len(found)
    everything = (queries[:, None] != documents[None]).sum(axis=2)
    for i, distances in enumerate(everything):
        pairs = sorted((int(h), j) for j, h in enumerate(distances))
        expected = [pair for pair in pairs if pair[0] <= pairs[min(k, n) - 1][0]]
        stretch = slice(offsets[i], offsets[i + 1])
        assert list(zip(found[stretch].tolist(), rows[stretch].tolist(), strict=True)) == expected


def test_tied_in_several_batches(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> None:
    queries, documents = (packing.pack(rng.integers(0, 2, (n, 6), dtype=np.uint8)) for n in (50, 300))
    at_once = hamming.tied(queries, documents, 6, 10)
    monkeypatch.setattr(hamming, "_RESULTS", 64)
    for whole, batched in zip(at_once, hamming.tied(queries, documents, 6, 10), strict=True):
        assert np.array_equal(whole, batched)


def test_similarities() -> None:
    scores = hamming.similarities(np.array([[0, 32, 64, 16, 65]], dtype=np.int32), 64)
    assert scores.dtype == np.float32
    assert scores.tolist() == [[1.0, 0.0, -1.0, 0.5, -np.inf]]


def test_mistakes_are_named() -> None:
    one, two = np.zeros((1, 1), np.uint64), np.zeros((1, 2), np.uint64)
    for function in (hamming.knn, hamming.knn_numpy, hamming.tied):
        with pytest.raises(UserError, match="k: expected at least 1, got 0"):
            function(one, one, 64, 0)
        with pytest.raises(UserError, match=r"packed: expected \(N, 1\) uint64 for 64 bits, got \(1, 2\)"):
            function(one, two, 64, 1)
