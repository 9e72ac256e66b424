"""Binarization: signs, the scale of least squared error, thresholds learned in blocks, encoding in blocks."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from binbench import UserError
from binbench.codes import binarize, packing
from binbench.codes.projections import projection

VALUES = arrays(
    np.float64, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(-8, 8).map(lambda i: i / 4)
)


def test_only_greater_than_the_threshold_is_one() -> None:
    values = np.array([[-1.0, -0.0, 0.0, 5e-324, 1.0, np.inf]])
    assert binarize.bits01(values).tolist() == [[0, 0, 0, 1, 1, 1]]
    assert binarize.signs(values).tolist() == [[-1, -1, -1, 1, 1, 1]]
    assert binarize.bits01(values, np.array([-2, 0, -1, 0, 1, 0])).tolist() == [[1, 0, 1, 1, 0, 1]]
    assert (binarize.bits01(values).dtype, binarize.signs(values).dtype) == (np.uint8, np.int8)


@given(VALUES, st.floats(-3, 3))
def test_scaled_sign_has_the_least_squared_error(values: np.ndarray, other: float) -> None:
    signs, scale = binarize.scaled_sign(values)
    best = ((values - scale[:, None] * signs) ** 2).sum(axis=1)
    assert scale.shape == (len(values),)
    assert (best <= ((values - other * signs) ** 2).sum(axis=1) + 1e-12).all()
    # ‖x‖² - ‖x‖₁²/d, the closed form of the minimum.
    assert np.allclose(best, (values**2).sum(axis=1) - np.abs(values).sum(axis=1) ** 2 / values.shape[1], atol=1e-9)


def test_scaled_sign_by_hand() -> None:
    signs, scale = binarize.scaled_sign(np.array([[3.0, -1.0, 2.0, -2.0]]))
    assert (signs.tolist(), scale.tolist()) == ([[1, -1, 1, -1]], [2.0])


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binarize, "BLOCK", 7)
    monkeypatch.setattr(binarize, "_MEDIAN_VALUES", 100)


@pytest.mark.parametrize("name", ["gaussian", "orthonormal", "identity"])
@pytest.mark.parametrize("n", [1, 6, 7, 8, 50])
@pytest.mark.usefixtures("small_blocks")
def test_blocks_change_nothing(name: str, n: int, rng: np.random.Generator) -> None:
    rows = rng.standard_normal((n, 12)) + 0.3
    made = projection(name, 12, 10, seed=4)
    values = rows[:, :10] if made.matrix is None else rows @ made.matrix
    means, medians = binarize.means(rows, made), binarize.medians(rows, made)
    assert np.allclose(means, values.mean(axis=0), atol=1e-12)
    assert np.allclose(medians, np.median(values, axis=0), atol=1e-10)
    for learned in (np.zeros(10), means, medians):
        code = packing.unpack(binarize.encode(rows, made, learned), 10)
        clear = np.abs(values - learned) > 1e-14
        assert np.array_equal(code[clear], (values > learned)[clear])


@given(st.integers(2, 60), st.integers(0, 2**32))
def test_medians_halve_the_documents(n: int, seed: int) -> None:
    rows = np.random.Generator(np.random.PCG64(seed)).standard_normal((n, 6))
    for made in (projection("identity", 6, 6), projection("gaussian", 6, 9, seed)):
        thresholds = binarize.medians(rows, made)
        code = packing.unpack(binarize.encode(rows, made, thresholds), made.bits)
        assert (code.sum(axis=0) == n // 2).all()
        # The median document has the same bits alone, where BLAS adds up in another order.
        alone = [packing.unpack(binarize.encode(row[None], made, thresholds), made.bits)[0] for row in rows]
        assert np.array_equal(alone, code)


def test_rows_that_all_are_the_median_are_not_above_it(rng: np.random.Generator) -> None:
    rows, made = np.tile(rng.standard_normal(48), (101, 1)), projection("gaussian", 48, 64)
    assert binarize.encode(rows, made, binarize.medians(rows, made)).tolist() == [[0]] * 101


def test_learning_thresholds_by_name(rng: np.random.Generator) -> None:
    rows, made = rng.standard_normal((9, 4)), projection("identity", 4, 4)
    assert binarize.learn_thresholds("zero", rows, made) is None
    assert np.allclose(binarize.learn_thresholds("mean", rows, made), rows.mean(axis=0))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="unknown threshold 'modian'; did you mean median"):
        binarize.learn_thresholds("modian", rows, made)


@pytest.mark.usefixtures("small_blocks")
def test_memory_is_that_of_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binarize, "BLOCK", 100)
    monkeypatch.setattr(binarize, "_MEDIAN_VALUES", 5000)
    rows, made = np.ones((5000, 64), np.float32), projection("gaussian", 64, 128)
    block_bytes = 100 * (64 + 128) * 8
    for function in (binarize.encode, binarize.means, binarize.medians):
        function(rows[:1], made)  # numpy imports some of its modules when they are first needed
        tracemalloc.start()
        result = function(rows, made)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # One column of values in `medians`, and the booleans and bytes of a block, come on top.
        assert peak < result.nbytes + 3 * block_bytes < rows.nbytes


def test_no_rows() -> None:
    made = projection("gaussian", 4, 70)
    none = np.zeros((0, 4), np.float32)
    assert binarize.encode(none, made).shape == (0, 2)
    assert binarize.means(none, made).tolist() == binarize.medians(none, made).tolist() == [0.0] * 70


def test_the_largest_finite_numbers_are_encoded() -> None:
    rows = np.array([[1e308, -1e308]])
    assert binarize.encode(rows, projection("identity", 2, 2)).tolist() == [[1]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((2, 3)), r"rows: expected \(N, 4\) real numbers, got \(2, 3\) float64"),
        (np.zeros(4), r"rows: expected \(N, 4\) real numbers, got \(4,\) float64"),
        (np.zeros((2, 4), complex), r"rows: expected \(N, 4\) real numbers, got \(2, 4\) complex128"),
        (np.array([["a"] * 4]), r"rows: expected \(N, 4\) real numbers, got \(1, 4\) <U1"),
        (np.array([[0, 0, 0, 0], [0, np.inf, np.nan, 0]]), "rows: expected finite numbers, got inf in row 1"),
    ],
)
def test_what_cannot_be_encoded_is_named(rows: np.ndarray, message: str) -> None:
    for function in (binarize.encode, binarize.means, binarize.medians):
        with pytest.raises(UserError, match=message):
            function(rows, projection("gaussian", 4, 8))


def test_the_row_named_is_that_of_the_whole_array() -> None:
    rows = np.zeros((binarize.BLOCK + 5, 1), np.float32)
    rows[-2] = np.nan
    with pytest.raises(UserError, match=f"got nan in row {len(rows) - 2}$"):
        binarize.encode(rows, projection("gaussian", 1, 1))
