import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binbench.measures.ranking import first_occurrences, ndcg_float, overlap, recall

TRUE_IDS = np.array([[3, 7, 1, 9]])
TRUE_DISTANCES = np.array([[0.1, 0.2, 0.2, 0.5]], dtype=np.float32)


def test_recall_by_hand():
    ids = np.array([[7, 8, 3, 1]])
    distances = np.array([[0.2, 0.9, 0.1, 0.2]])
    assert recall(TRUE_DISTANCES, distances, ids, 1) == [0]
    assert recall(TRUE_DISTANCES, distances, ids, 2) == [1 / 2]
    assert recall(TRUE_DISTANCES, distances, ids, 3) == [2 / 3]
    assert recall(TRUE_DISTANCES, distances, ids, 4) == [3 / 4]


def test_recall_counts_a_document_that_ties_with_the_kth():
    # Documents 7 and 1 are equally far: either completes the top two.
    for second in (7, 1):
        assert recall(TRUE_DISTANCES, np.array([[0.1, 0.2]]), np.array([[3, second]]), 2) == [1]


def test_recall_tolerance():
    true, ids = np.array([[0.5]]), np.array([[4]])
    assert recall(true, np.array([[0.5 + 0.9e-6]]), ids, 1) == [1]
    assert recall(true, np.array([[0.5 + 1.2e-6]]), ids, 1) == [0]


def test_recall_ignores_padding_and_repeats():
    # Padding at distance 0 would count if ids were not looked at.
    assert recall(TRUE_DISTANCES, np.array([[0.1, 0.1, 0.1, 0.0]]), np.array([[3, 3, 3, -1]]), 4) == [1 / 4]
    # More than k documents within the k-th distance: never above 1.
    assert recall(TRUE_DISTANCES, np.array([[0.2, 0.1, 0.2]]), np.array([[7, 3, 1]]), 2) == [1]


def test_recall_of_infinite_or_nan_distances_is_zero():
    assert recall(TRUE_DISTANCES, np.array([[np.inf, np.nan]]), np.array([[5, 6]]), 2) == [0]


@pytest.mark.parametrize("k", [0, -1])
def test_cut_below_one(k):
    with pytest.raises(ValueError, match="at least 1"):
        recall(TRUE_DISTANCES, TRUE_DISTANCES, TRUE_IDS, k)


def test_unknown_depth_is_refused():
    with pytest.raises(ValueError, match="true_distances has 4 columns; a measure at 5 needs 5"):
        recall(TRUE_DISTANCES, np.zeros((1, 5)), np.zeros((1, 5), int), 5)
    with pytest.raises(ValueError, match="ids has 2 columns"):
        recall(TRUE_DISTANCES, np.zeros((1, 2)), np.array([[3, 7]]), 3)
    with pytest.raises(ValueError, match="ids has 2 columns"):
        overlap(TRUE_IDS, np.array([[3, 7]]), 3)
    with pytest.raises(ValueError, match="true_ids has 4 columns"):
        ndcg_float(TRUE_IDS, np.zeros((1, 10), int))


def test_no_queries():
    assert recall(np.empty((0, 3)), np.empty((0, 3)), np.empty((0, 3), int), 2).shape == (0,)
    assert ndcg_float(np.empty((0, 3), int), np.empty((0, 3), int), 2).shape == (0,)


def test_overlap_by_hand():
    assert overlap(TRUE_IDS, np.array([[1, 3, 8, 9]]), 3) == [2 / 3]
    assert overlap(TRUE_IDS, np.array([[7, 7, -1, 9]]), 3) == [1 / 3]


def test_ndcg_float_by_hand():
    # Gains 3, 2, 1 for documents 3, 7, 1; the list 7, 8, 3 gains 2, 0, 3 at discounts 1, 1/log2(3), 1/2.
    ideal = 3 + 2 / math.log2(3) + 1 / 2
    assert ndcg_float(TRUE_IDS, np.array([[7, 8, 3]]), 3) == pytest.approx([(2 + 3 / 2) / ideal])
    assert ndcg_float(TRUE_IDS, TRUE_IDS, 4) == pytest.approx([1])
    assert ndcg_float(TRUE_IDS, np.array([[-1, -1, -1]]), 3) == [0]


def test_first_occurrences():
    ids = np.array([[5, -1, 5, 2, 2, 5], [-1, -1, 0, 1, 0, 1]])
    assert first_occurrences(ids).tolist() == [
        [True, False, False, True, False, False],
        [False, False, True, True, False, False],
    ]


@st.composite
def lists(draw):
    n, k, rows = draw(st.integers(4, 12)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    true = [draw(st.permutations(range(n))) for _ in range(rows)]
    ids = draw(
        st.lists(
            st.lists(st.integers(-1, n - 1), min_size=k, max_size=k + 2).map(lambda r: r + [-1] * (6 - len(r))),
            min_size=rows,
            max_size=rows,
        )
    )
    return k, np.array(true), np.array(ids, dtype=np.int32)


@given(lists())
def test_against_sets_in_python(case):
    k, true, ids = case
    for found, gain, t, r in zip(
        overlap(true, ids, k), ndcg_float(true, ids, k), true.tolist(), ids.tolist(), strict=True
    ):
        top = t[:k]
        assert found == pytest.approx(len(set(top) & set(r[:k])) / k)
        expected, seen = 0.0, set()
        for rank, document in enumerate(r[:k]):
            if document in top and document not in seen:
                expected += (k - top.index(document)) / math.log2(rank + 2)
            seen.add(document)
        assert gain == pytest.approx(expected / sum((k - i) / math.log2(i + 2) for i in range(k)))


@given(lists())
def test_recall_equals_overlap_without_ties(case):
    k, true, ids = case
    rank = np.argsort(true, axis=1)
    distances = np.where(ids < 0, np.inf, np.take_along_axis(rank, np.maximum(ids, 0), axis=1))
    true_distances = np.broadcast_to(np.arange(true.shape[1], dtype=float), true.shape)
    np.testing.assert_array_equal(recall(true_distances, distances, ids, k), overlap(true, ids, k))
