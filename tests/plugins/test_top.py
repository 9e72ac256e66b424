"""The best rows by scores."""

from __future__ import annotations

import numpy as np
import pytest

import binbench


def test_best_first_ties_by_row_and_padded() -> None:
    ids, scores = binbench.top([[0.5, 2.0, 0.5, 2.0], [1.0, 1.0, 1.0, 3.0]], 3)
    assert ids.tolist() == [[1, 3, 0], [3, 0, 1]]
    assert scores.tolist() == [[2.0, 2.0, 0.5], [3.0, 1.0, 1.0]]
    ids, scores = binbench.top(np.array([[1, 2]]), 4)
    assert ids.tolist() == [[1, 0, -1, -1]]
    assert scores.tolist() == [[2, 1, -np.inf, -np.inf]]
    assert (ids.dtype, scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("k", [1, 7, 40, 50])
def test_as_a_full_sort_by_score_and_row(rng: np.random.Generator, k: int) -> None:
    # Few values, so that the cut falls among ties.
    given = rng.integers(0, 5, (20, 40)).astype(np.float32)
    ids, scores = binbench.top(given, k)
    for row, found, kept in zip(given, ids, scores, strict=True):
        expected = sorted(range(40), key=lambda place: (-row[place], place))[:k]
        assert found[:40].tolist() == expected
        assert kept[:40].tolist() == row[expected].tolist()
