import math
from itertools import groupby, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.random import PCG64, Generator

from binbench.measures.ranking import recall
from binbench.measures.relevance import relevance
from binbench.measures.ties import drop_own, gains_of, ideal_dcg, ndcg_bounds, recall_bounds


def every_order(scores, gains):
    """The gains in rank order, for every order of the ties."""
    ranked = sorted(zip(scores, gains, strict=True), key=lambda pair: -pair[0])
    groups = [[gain for _, gain in group] for _, group in groupby(ranked, key=lambda pair: pair[0])]
    for orders in product(*(permutations(group) for group in groups)):
        yield [gain for group in orders for gain in group]


def dcg(gains, k):
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains[:k]))


@st.composite
def tied_lists(draw):
    k = draw(st.integers(1, 5))
    rows = draw(st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), max_size=6), min_size=1, max_size=3))
    offsets = np.cumsum([0] + [len(row) for row in rows])
    flat = [pair for row in rows for pair in row]
    scores = np.array([score for score, _ in flat], dtype=np.float32)
    return k, rows, scores, np.array([gain for _, gain in flat], dtype=int), offsets


@given(tied_lists())
def test_recall_by_enumeration(case):
    k, rows, scores, gains, offsets = case
    found = recall_bounds(gains > 0, scores, offsets, k)
    for query, row in enumerate(rows):
        values = [sum(g > 0 for g in order[:k]) / k for order in every_order(*zip(*row, strict=True))] if row else [0]
        expected = min(values), sum(values) / len(values), max(values)
        assert [bound[query] for bound in found] == pytest.approx(expected)


@given(tied_lists())
def test_ndcg_by_enumeration(case):
    k, rows, scores, gains, offsets = case
    ideal = np.array([dcg(sorted((g for _, g in row), reverse=True), k) for row in rows])
    found = ndcg_bounds(gains, scores, offsets, ideal, k)
    for query, row in enumerate(rows):
        values = [0]
        if row and ideal[query]:
            values = [dcg(order, k) / ideal[query] for order in every_order(*zip(*row, strict=True))]
        expected = min(values), sum(values) / len(values), max(values)
        assert [bound[query] for bound in found] == pytest.approx(expected)


def test_recall_by_hand():
    # One document above the cut, a neighbour; four tie for the other two places, one of them a neighbour.
    is_neighbor = np.array([True, False, True, False, False])
    found = recall_bounds(is_neighbor, np.array([9.0, 5.0, 5.0, 5.0, 5.0]), np.array([0, 5]), 3)
    assert found == pytest.approx([1 / 3, (1 + 2 / 4) / 3, 2 / 3])


def test_ndcg_by_hand():
    # The tie for ranks 1 and 2 lies wholly above the cut, and still moves nDCG; the last document is not tied.
    found = ndcg_bounds(np.array([0, 2, 1]), np.array([4.0, 4.0, 1.0]), np.array([0, 3]), np.array([3.0]), 3)
    second = 1 / math.log2(3)
    assert found == pytest.approx([(2 * second + 0.5) / 3, (1 + second + 0.5) / 3, (2 + 0.5) / 3])


def test_without_ties_all_bounds_are_the_measure():
    random = Generator(PCG64(1))
    ids = np.array([random.permutation(50)[:10] for _ in range(6)])
    qrels = np.array([(q, d, random.integers(0, 3)) for q in range(6) for d in random.permutation(50)[:25]])
    qrels = random.permutation(qrels)
    scores, offsets = np.tile(-np.arange(10.0), 6), np.arange(0, 61, 10)
    gains = gains_of(qrels, ids.ravel(), offsets)
    for bound in ndcg_bounds(gains, scores, offsets, ideal_dcg(qrels, 6, 10), 10):
        np.testing.assert_allclose(bound, relevance(qrels, ids, 6)["ndcg@10"])
    distances = random.random((6, 10))
    cut = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    true = np.repeat(cut[:, None], 10, axis=1)
    for bound in recall_bounds((distances <= cut[:, None]).ravel(), scores, offsets, 10):
        np.testing.assert_allclose(bound, recall(true, distances, ids, 10))


def test_all_tied():
    # 100 documents, 5 relevant, one distance: recall@10 anywhere from 0 to 5 / 10, on average 5 / 100.
    found = recall_bounds(np.arange(100) < 5, np.zeros(100), np.array([0, 100]), 10)
    assert found == pytest.approx([0, 0.05, 0.5])


def test_fewer_documents_than_k():
    found = recall_bounds(np.array([True, True, False]), np.zeros(3), np.array([0, 3, 3]), 10)
    for bound in found:
        assert bound.tolist() == [0.2, 0]


def test_ideal_dcg():
    qrels = np.array([[2, 0, 1], [0, 5, 1], [0, 6, 0], [2, 1, 3], [2, 2, 2], [3, 1, -2]])
    expected = [1, 0, 3 + 2 / math.log2(3), 0, 0]
    assert ideal_dcg(qrels, 5, 2) == pytest.approx(expected)
    assert ideal_dcg(np.empty((0, 3), int), 2, 10).tolist() == [0, 0]


def test_gains_of():
    qrels = np.array([[1, 4, 3], [0, 4, 2], [0, 0, 1]])
    assert gains_of(qrels, np.array([4, 1, 0, 4, 9, -1]), np.array([0, 3, 6])).tolist() == [2, 0, 1, 3, 0, 0]
    assert gains_of(np.empty((0, 3), int), np.array([4]), np.array([0, 1])).tolist() == [0]


def test_drop_own():
    ids, scores, offsets = drop_own(
        np.array([5, 2, 2, 9, 1]), np.array([3.0, 2.0, 7.0, 6.0, 5.0]), np.array([0, 2, 2, 5]), np.array([2, 5, 9])
    )
    assert ids.tolist() == [5, 2, 1]
    assert scores.tolist() == [3, 7, 5]
    assert offsets.tolist() == [0, 1, 1, 3]
    untouched = drop_own(ids, scores, offsets, np.full(3, -1))
    assert [x.tolist() for x in untouched] == [x.tolist() for x in (ids, scores, offsets)]


def test_negative_grades_gain_nothing():
    found = ndcg_bounds(np.array([-1, 1]), np.zeros(2), np.array([0, 2]), np.ones(1), 1)
    assert found == pytest.approx([0, 0.5, 1])


@pytest.mark.parametrize("offsets", [[], [0, 2], [1, 3], [0, 2, 1, 3]])
def test_wrong_offsets_are_refused(offsets):
    with pytest.raises(ValueError, match="offsets do not ascend from 0 to 3"):
        recall_bounds(np.ones(3, bool), np.ones(3), np.array(offsets), 2)


def test_wrong_shapes_and_nan_are_refused():
    with pytest.raises(ValueError, match="not one of each per document"):
        recall_bounds(np.ones(2, bool), np.ones(3), np.array([0, 3]), 2)
    with pytest.raises(ValueError, match="NaN"):
        recall_bounds(np.ones(1, bool), np.array([np.nan]), np.array([0, 1]), 1)
    with pytest.raises(ValueError, match="one value for each of 1 queries"):
        ndcg_bounds(np.ones(1), np.ones(1), np.array([0, 1]), np.ones(2), 1)
