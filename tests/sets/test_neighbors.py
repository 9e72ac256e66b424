"""Exact neighbours against brute force in float64."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import unit
from hypothesis import given, settings
from hypothesis import strategies as st

from binbench.sets.neighbors import distances_to, nearest


def brute_force(train: np.ndarray, queries: np.ndarray, k: int, distance: str) -> tuple[np.ndarray, np.ndarray]:
    x, q = train.astype(np.float64), queries.astype(np.float64)
    if distance == "angular":
        table = np.array([[1 - sum(a * b for a, b in zip(row, query, strict=True)) for row in x] for query in q])
    elif distance == "ip":
        table = np.array([[-sum(a * b for a, b in zip(row, query, strict=True)) for row in x] for query in q])
    else:
        table = np.array([[np.sqrt(((row - query) ** 2).sum()) for row in x] for query in q])
    order = np.argsort(table, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(table, order, 1)


@pytest.mark.parametrize("distance", ["angular", "euclidean", "ip"])
@pytest.mark.parametrize("block", [1, 7, 60, 1000])
def test_equals_brute_force_for_any_blocks(rng, distance, block):
    train, queries = rng.standard_normal((150, 8)).astype("f4"), rng.standard_normal((12, 8)).astype("f4")
    if distance == "angular":
        train, queries = unit(train), unit(queries)
    ids, distances = nearest((train[i : i + block] for i in range(0, 150, block)), queries, 20, distance)
    expected, table = brute_force(train, queries, 20, distance)
    assert ids.dtype == np.int32
    assert distances.dtype == np.float32
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(distances, table, atol=2e-7)


@pytest.mark.parametrize("distance", ["angular", "euclidean", "ip"])
def test_torch_multiplies_to_the_same_ids(rng, distance, monkeypatch):
    train, queries = rng.standard_normal((900, 8)).astype("f4"), rng.standard_normal((40, 8)).astype("f4")
    train[450:] = train[:450]  # every row twice
    if distance == "angular":
        train, queries = unit(train), unit(queries)
    else:
        train[::7] *= 100
    expected = nearest([train[:500], train[500:]], queries, 30, distance)
    monkeypatch.setattr("binbench.sets.neighbors._gpu", lambda: "cpu")
    torch = pytest.importorskip("torch")
    torch.set_float32_matmul_precision("medium")  # as a model's code may have left it
    found = nearest([train], queries, 30, distance)
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])
    assert torch.get_float32_matmul_precision() == "highest"


def test_equal_vectors_come_in_row_order_across_blocks():
    train = np.tile(unit(np.ones((1, 4))), (50, 1))
    train[30] = [1, 0, 0, 0]
    ids, _ = nearest([train[:7], train[7:31], train[31:]], train[:2].copy(), 40)
    expected = [i for i in range(50) if i != 30][:40]
    assert ids.tolist() == [expected, expected]


def test_all_rows_when_k_is_their_number(rng):
    train = unit(rng.standard_normal((9, 4)))
    ids, distances = nearest([train], train[:3].copy(), 9)
    assert np.array_equal(np.sort(ids, axis=1), np.tile(np.arange(9), (3, 1)))
    assert (np.diff(distances, axis=1) >= 0).all()


def test_more_queries_than_one_block(rng):
    train, queries = unit(rng.standard_normal((40, 4))), unit(rng.standard_normal((1100, 4)))
    ids, _ = nearest([train], queries, 3)
    np.testing.assert_array_equal(ids, brute_force(train, queries, 3, "angular")[0])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12), st.sampled_from(["angular", "euclidean"]))
def test_ties_among_small_integers(seed, k, distance):
    """Integer coordinates tie massively, and all arithmetic on them is exact for euclidean."""
    rng = np.random.default_rng(seed)
    train = rng.integers(1, 3, (30, 3)).astype("f4")
    queries = rng.integers(1, 3, (4, 3)).astype("f4")
    if distance == "angular":
        # Halves are exact in float32; unit length is not needed for the order.
        train, queries = train / 4, queries / 4
    ids, _ = nearest([train[:11], train[11:]], queries, k, distance)
    np.testing.assert_array_equal(ids, brute_force(train, queries, k, distance)[0])


def test_distances_to_pads_with_infinity(rng):
    train, queries = unit(rng.standard_normal((20, 4))), unit(rng.standard_normal((3, 4)))
    ids = np.array([[0, 5, -1], [19, -1, -1], [1, 2, 3]])
    found = distances_to(train, queries, ids)
    assert np.isinf(found[ids < 0]).all()
    assert found[1, 0] == pytest.approx(1 - float(train[19].astype(float) @ queries[1].astype(float)))


@pytest.mark.parametrize("distance", ["euclidean", "ip"])
def test_vectors_of_very_different_lengths(rng, distance):
    """The rounding of a product grows with both lengths: one long row, or long queries, must not hide near ones."""
    lengths = np.array([*[1.0] * 98, 1e4, 1e-3])[:, None]
    train = (rng.standard_normal((100, 8)) * lengths).astype("f4")
    queries = np.concatenate([s * rng.standard_normal((6, 8)) for s in (1e3, 1, 1e-3)]).astype("f4")
    ids, distances = nearest([train[:30], train[30:]], queries, 10, distance)
    expected, table = brute_force(train, queries, 10, distance)
    np.testing.assert_array_equal(ids, expected)
    np.testing.assert_allclose(distances, table, rtol=1e-6)
    np.testing.assert_allclose(distances_to(train, queries, ids, distance), table, rtol=1e-12)
