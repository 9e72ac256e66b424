from __future__ import annotations

import faiss
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from binbench.errors import Unsupported
from binbench.plugins.faiss_index import (
    blas_distances,
    blocks,
    encoded,
    multiplied,
    ranked,
    sample_rows,
    training_at_most,
)
from binbench.plugins.levels import level_index, pack_levels
from binbench.plugins.registry import ALGORITHMS


@given(
    table=arrays(np.float32, st.tuples(st.integers(0, 3), st.integers(0, 40)), elements=st.sampled_from([0, 1, 2])),
    k=st.integers(1, 45),
)
def test_ranked_is_the_stable_order_however_the_search_picks_among_ties(table, k):
    n = table.shape[1]

    def last_of_ties_first(queries, depth):
        rows = np.array([np.lexsort((-np.arange(n), -table[int(q)]))[:depth] for q in queries[:, 0]], dtype=np.int64)
        rows = rows.reshape(len(queries), depth)
        return np.take_along_axis(table[queries[:, 0].astype(int)], rows, axis=1), rows

    queries = np.arange(len(table), dtype=np.float32)[:, None]
    ids, scores = ranked(last_of_ties_first, queries, k, n)
    expected = np.argsort(-table, axis=1, kind="stable")[:, :k]
    assert ids.dtype == np.int64
    assert scores.dtype == np.float32
    assert np.array_equal(ids[:, : min(k, n)], expected)
    assert np.array_equal(scores[:, : min(k, n)], np.take_along_axis(table, expected, axis=1))
    assert (ids[:, n:] == -1).all()
    assert np.isneginf(scores[:, n:]).all()


def test_an_incomplete_search_is_padded():
    def search(queries, depth):
        return np.array([[1, 3, 0]], dtype=np.float32), np.array([[5, 2, -1]])

    ids, scores = ranked(search, np.zeros((1, 4), np.float32), 3, 10, exhaustive=False)
    assert ids.tolist() == [[2, 5, -1]]
    assert scores.tolist() == [[3, 1, -np.inf]]


def test_equal_rows_are_encoded_once():
    rows = np.random.Generator(np.random.PCG64(0)).standard_normal((4, 3)).astype(np.float32)
    block = rows[[2, 0, 2, 1, 0, 3]]
    asked = []

    def by_place(distinct):
        asked.append(distinct.copy())
        return np.arange(len(distinct), dtype=np.uint8)[:, None]

    assert encoded(by_place, block)[:, 0].tolist() == [0, 1, 0, 2, 1, 3]
    assert np.array_equal(asked[0], rows[[2, 0, 1, 3]])
    assert encoded(by_place, rows)[:, 0].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 7, 64, 1001, 8200])
def test_equal_rows_have_equal_products_wherever_they_stand(count):
    random = np.random.Generator(np.random.PCG64(count))
    rows = random.standard_normal((count, 100)).astype(np.float32)
    matrix = random.standard_normal((100, 60)).astype(np.float32)
    product = multiplied(np.concatenate([rows, rows[::-1]]), matrix)
    assert product.dtype == np.float32
    assert np.array_equal(product[:count], product[count:][::-1])
    expected = np.einsum("nd,dw->nw", rows[:5], matrix, dtype=np.float64)
    np.testing.assert_allclose(product[: len(expected)], expected, rtol=1e-6)


def test_the_threshold_of_faiss_is_restored():
    usual = faiss.cvar.distance_compute_blas_threshold
    with blas_distances():
        assert faiss.cvar.distance_compute_blas_threshold == 20 != usual
    assert faiss.cvar.distance_compute_blas_threshold == usual


def test_samples_are_distinct_rows_in_order_and_seeded():
    train = np.arange(1000, dtype=np.float32)[:, None]
    sample = sample_rows(train, 100, seed=3)[:, 0]
    assert len(sample) == 100
    assert (np.diff(sample) > 0).all()
    assert np.array_equal(sample, sample_rows(train, 100, seed=3)[:, 0])
    assert not np.array_equal(sample, sample_rows(train, 100, seed=4)[:, 0])
    assert sample_rows(train, 1000, seed=3) is train
    assert [len(block) for block in blocks(train, 400)] == [400, 400, 200]


def test_the_training_sample_is_at_most_256_points_per_centroid():
    algorithm = ALGORITHMS.get("pqfs2").create(dimension=8, seed=0)
    train = np.random.Generator(np.random.PCG64(0)).standard_normal((5000, 8)).astype(np.float32)
    algorithm.fit(train)
    assert algorithm.facts["training_rows"] == 256 * 16
    assert "notes" not in algorithm.facts


@pytest.mark.parametrize(
    "name", ["pq2", "opq2", "itq8", "rq2", "ivf4", "rabitq1", "int8", "int4", "int8-minmax", "pca8", "pq2@whiten8"]
)
def test_whatever_learns_can_be_capped(name):
    train = np.random.Generator(np.random.PCG64(0)).standard_normal((2000, 16)).astype(np.float32)
    usual, capped, alone = (ALGORITHMS.get(name).create(dimension=16, seed=0) for _ in range(3))
    usual.fit(train)
    with training_at_most(300):
        capped.fit(train)
    assert usual.facts["training_rows"] > 300 == capped.facts["training_rows"]
    # What it learned is what these rows alone teach, and every row is encoded all the same.
    alone.fit(sample_rows(train, 300, seed=0))
    assert np.array_equal(capped.decode(train), alone.decode(train))
    assert np.array_equal(np.sort(capped.query(train[:3], 2000)[0]), [np.arange(2000)] * 3)


def test_a_cap_below_the_centroids_is_refused():
    train = np.eye(300, 16, dtype=np.float32)
    with training_at_most(200), pytest.raises(Unsupported, match="200 documents are too few to train 256 centroids"):
        ALGORITHMS.get("pq2").create(dimension=16, seed=0).fit(train)


def test_a_mapped_file_serves_as_documents(tmp_path):
    train = np.random.Generator(np.random.PCG64(0)).standard_normal((300, 16)).astype(np.float32)
    train.tofile(tmp_path / "train")
    mapped = np.memmap(tmp_path / "train", dtype=np.float32, mode="r", shape=(300, 16))
    for name in ("float", "int8", "pq4", "int2", "binary64-hnsw"):
        algorithm, same = (ALGORITHMS.get(name).create(dimension=16, seed=0) for _ in range(2))
        algorithm.fit(mapped)
        same.fit(train)
        assert np.array_equal(algorithm.query(train[:5], 7)[0], same.query(train[:5], 7)[0])


@pytest.mark.parametrize("levels", [[-1, 1], [-2, -1, 1, 3], list(range(16))])
@pytest.mark.parametrize("width", [8, 11])
def test_packed_levels_decode_to_the_nearest(levels, width):
    levels = np.array(levels, dtype=np.float64)
    values = np.random.Generator(np.random.PCG64(0)).uniform(-4, 17, (50, width))
    index = level_index(width, levels)
    index.add_sa_codes(pack_levels(values, levels))
    nearest = levels[np.abs(values[:, :, None] - levels).argmin(axis=-1)]
    assert np.array_equal(index.reconstruct_n(0, 50)[:, :width], nearest.astype(np.float32))
