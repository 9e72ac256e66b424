"""Projections: the frozen Gaussian, orthonormal blocks, the identity."""

from __future__ import annotations

import numpy as np
import pytest

from binbench import UserError
from binbench.codes.projections import projection


def test_gaussian_is_the_frozen_stream() -> None:
    drawn = np.random.Generator(np.random.PCG64(3)).standard_normal((5, 70))
    made = projection("gaussian", 5, 70, seed=3)
    assert made.matrix is not None
    assert made.matrix.dtype == np.float64
    assert np.array_equal(made.matrix, drawn)
    assert made.nbytes == 5 * 70 * 8
    # The stream of PCG64(0) that numpy has promised since 1.17.
    assert np.allclose(projection("gaussian", 1, 2, seed=0)(np.ones((1, 1))), [[0.12573022, -0.13210486]], atol=1e-8)


@pytest.mark.parametrize(("dimension", "bits"), [(6, 1), (6, 4), (6, 6), (6, 7), (6, 20), (1, 5)])
def test_orthonormal_blocks(dimension: int, bits: int) -> None:
    matrix = projection("orthonormal", dimension, bits, seed=1).matrix
    normals = projection("gaussian", dimension, bits, seed=1).matrix
    assert matrix is not None
    assert normals is not None
    for start in range(0, bits, dimension):
        block = matrix[:, start : start + dimension]
        assert np.allclose(block.T @ block, np.eye(block.shape[1]), atol=1e-12)
        # R = Qᵀ·G of the same Gaussian is upper triangular with a positive diagonal, which makes Q unique.
        r = block.T @ normals[:, start : start + dimension]
        assert np.allclose(r, np.triu(r), atol=1e-12)
        assert (np.diag(r) > 0).all()


def test_identity_is_the_first_coordinates() -> None:
    rows = np.arange(12, dtype=np.float32).reshape(3, 4)
    assert np.array_equal(projection("identity", 4, 4)(rows), rows)
    assert np.array_equal(projection("identity", 4, 3)(rows), rows[:, :3])
    assert projection("identity", 4, 4).nbytes == 0


@pytest.mark.parametrize("name", ["gaussian", "orthonormal", "identity"])
def test_some_columns(name: str, rng: np.random.Generator) -> None:
    made, rows = projection(name, 9, 7, seed=2), rng.standard_normal((5, 9))
    assert np.allclose(made(rows, slice(2, 5)), made(rows)[:, 2:5], atol=1e-12)


def test_the_matrix_is_read_only() -> None:
    matrix = projection("gaussian", 2, 2).matrix
    assert matrix is not None
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("gausian", 4, 4),
            r"unknown projection 'gausian'; did you mean gaussian\?",
        ),
        (("identity", 4, 5), r"bits: the identity gives at most one bit per coordinate \(4\), got 5"),
        (("gaussian", 0, 5), "dimension: expected at least 1, got 0"),
        (("gaussian", 5, -1), "bits: expected at least 1, got -1"),
    ],
)
def test_mistakes_are_named(arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        projection(*arguments)
