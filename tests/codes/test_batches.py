"""Batches hold their invariants and say which one an input breaks."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from binbench import UserError
from binbench.codes import BinaryCodeBatch, FloatEmbeddingBatch

BITS01 = st.tuples(st.integers(0, 5), st.integers(1, 200)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)
SQUARE = np.eye(3, dtype=np.float32)
NAN, INFINITE, SHORT = SQUARE.copy(), SQUARE.copy(), SQUARE.copy()
NAN[1, 2], INFINITE[2, 0], SHORT[1, 1] = np.nan, -np.inf, 0.9998


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FloatEmbeddingBatch([[1.0]]), "values: expected a numpy array, got list"),
        (lambda: FloatEmbeddingBatch(SQUARE[0]), "values: expected a 2-D array of float32, got 1-D float32"),
        (lambda: FloatEmbeddingBatch(np.eye(3)), "values: expected a 2-D array of float32, got 2-D float64"),
        (lambda: FloatEmbeddingBatch(SQUARE[:, :0]), "values: expected at least 1 column, got 0"),
        (lambda: FloatEmbeddingBatch(NAN), "values: expected finite numbers, got nan in row 1"),
        (lambda: FloatEmbeddingBatch(INFINITE), "values: expected finite numbers, got -inf in row 2"),
        (
            lambda: FloatEmbeddingBatch(SHORT, normalized=True),
            (
                "values: expected unit rows within 0.0001, got length 0.9998 in row 1; "
                "normalize them or leave normalized=False"
            ),
        ),
        (
            lambda: FloatEmbeddingBatch(SQUARE[:, :2], normalized=True),
            "values: expected unit rows within 0.0001, got length 0 in row 2; normalize them or leave normalized=False",
        ),
        (lambda: FloatEmbeddingBatch(SQUARE, ids=["a", "b"]), "ids: expected 3, one for each row, got 2"),
        (lambda: FloatEmbeddingBatch(SQUARE, ids=["a", "b", "a"]), "ids: expected unique ids, got 'a' 2 times"),
        (lambda: BinaryCodeBatch(np.zeros((2, 1), np.uint64), 64.0), "bits: expected an integer, got 64.0"),
        (lambda: BinaryCodeBatch(np.zeros((2, 1), np.uint64), 0), "bits: expected at least 1, got 0"),
        (
            lambda: BinaryCodeBatch(np.zeros((2, 1), np.uint64), 65),
            "packed: expected (N, 2) uint64 for 65 bits, got (2, 1) uint64",
        ),
        (
            lambda: BinaryCodeBatch(np.zeros((2, 8), np.uint8), 64),
            "packed: expected (N, 1) uint64 for 64 bits, got (2, 8) uint8",
        ),
        (
            lambda: BinaryCodeBatch(np.array([[1 << 60]], np.uint64), 60),
            (
                "packed: expected zero beyond bit 59 of a row, got set bits; "
                "clear them with binbench.codes.packing.cleared"
            ),
        ),
        (
            lambda: BinaryCodeBatch(np.zeros((1, 1), np.uint64), 64, ids=[1, 2]),
            "ids: expected 1, one for each row, got 2",
        ),
        (lambda: BinaryCodeBatch.from_bits01(np.array([[2]], np.uint8)), "bits01: expected 0 and 1 only, got 2"),
        (lambda: BinaryCodeBatch.from_signs(np.array([[1, 0]])), "signs: expected -1 and +1 only, got 0"),
        (lambda: BinaryCodeBatch.from_signs(np.array([[np.nan]])), "signs: expected -1 and +1 only, got nan"),
        (
            lambda: BinaryCodeBatch.from_signs(np.array([1, -1])),
            "signs: expected a 2-D array of signed numbers, got 1-D int64",
        ),
    ],
)
def test_violations_name_field_expectation_and_what_came(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(UserError, match=f"^{re.escape(message)}$"):
        make()


def test_unit_rows_within_the_tolerance_pass() -> None:
    near = SQUARE * np.float32(1.00009)
    assert FloatEmbeddingBatch(near, normalized=True).normalized
    with pytest.raises(UserError):
        FloatEmbeddingBatch(SQUARE * np.float32(1.00011), normalized=True)


def test_large_finite_values_pass() -> None:
    assert len(FloatEmbeddingBatch(np.full((2, 300), 3e38, np.float32))) == 2


def test_empty_batches_pass() -> None:
    assert len(FloatEmbeddingBatch(SQUARE[:0], ids=[], normalized=True)) == 0
    batch = BinaryCodeBatch(np.zeros((0, 2), np.uint64), 100)
    assert (len(batch), batch.bits01.shape, batch.signs.shape) == (0, (0, 100), (0, 100))


def test_batches_are_immutable() -> None:
    values, packed = SQUARE.copy(), np.ones((3, 1), np.uint64)
    floats = FloatEmbeddingBatch(values, ids=["a", "b", "c"])
    codes = BinaryCodeBatch(packed, 64)
    values[:], packed[:] = 7, 7
    assert np.array_equal(floats.values, SQUARE)
    assert codes.packed.tolist() == [[1], [1], [1]]
    with pytest.raises(ValueError, match="read-only"):
        floats.values[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        codes.packed[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        codes.bits = 3  # type: ignore[misc]
    assert floats.ids == ("a", "b", "c")


def test_a_read_only_array_is_not_copied() -> None:
    values = SQUARE.copy()
    values.flags.writeable = False
    assert FloatEmbeddingBatch(values).values is values


@given(BITS01)
def test_three_views_of_the_same_codes(bits01: np.ndarray) -> None:
    batch = BinaryCodeBatch.from_bits01(bits01)
    assert np.array_equal(batch.bits01, bits01)
    assert np.array_equal(batch.signs, np.where(bits01, 1, -1))
    assert (batch.signs.dtype, batch.bits01.dtype, batch.packed.dtype) == (np.int8, np.uint8, np.uint64)
    for same in (
        BinaryCodeBatch.from_signs(batch.signs),
        BinaryCodeBatch.from_signs(batch.signs.astype(float)),
        BinaryCodeBatch(batch.packed, batch.bits),
    ):
        assert np.array_equal(same.packed, batch.packed)
        assert same.bits == bits01.shape[1]
