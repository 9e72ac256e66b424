"""Geometry diagnostics on clouds whose geometry is known."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.study import geometry

Rng = np.random.Generator


def plane(rng: Rng, n: int, intrinsic: int, dimension: int) -> np.ndarray:
    """Gaussian points on a random linear subspace."""
    basis, _ = np.linalg.qr(rng.standard_normal((dimension, intrinsic)))
    return rng.standard_normal((n, intrinsic)) @ basis.T


@pytest.mark.parametrize("intrinsic", [2, 5])
def test_twonn_finds_the_dimension_of_a_plane(rng: Rng, intrinsic: int) -> None:
    found = geometry.diagnose(plane(rng, 2000, intrinsic, 20))
    assert found["twonn"] == pytest.approx(intrinsic, rel=0.1)
    assert found["components_90"] == pytest.approx(0.9 * intrinsic, abs=1)
    assert found["participation_ratio"] == pytest.approx(intrinsic, rel=0.02)


def test_twonn_of_points_whose_ratios_are_known() -> None:
    # For dimension D the ratio μ has the distribution 1 − μ^−D: its quantiles, put in, give D back.
    quantiles = (1 - np.arange(1000) / 1000) ** (-1 / 3.0)
    distances = np.stack([np.ones(1000), quantiles], axis=1)
    assert geometry.twonn(distances) == pytest.approx(3.0, rel=0.01)


def test_duplicates_change_neither_dimension_nor_hubness(rng: Rng) -> None:
    points = plane(rng, 500, 3, 8)
    once, twice = geometry.diagnose(points), geometry.diagnose(np.vstack([points, points]))
    assert twice["twonn"] == once["twonn"]
    assert twice["hubness"] == once["hubness"]
    assert np.isfinite(twice["twonn"])


def test_isoscore_of_the_extremes() -> None:
    assert geometry.isoscore(np.ones(50)) == pytest.approx(1.0)
    assert geometry.isoscore(np.eye(50)[0]) == pytest.approx(0.0, abs=1e-9)
    # With k of d equal eigenvalues the score is (k − 1) / (d − 1) (Rudman et al., 2022, proposition).
    assert geometry.isoscore(np.repeat([1.0, 0.0], [10, 40])) == pytest.approx(9 / 49)


def test_participation_ratio_and_components_by_hand() -> None:
    assert geometry.participation_ratio(np.array([2.0, 1.0, 1.0])) == pytest.approx(16 / 6)
    assert geometry.components(np.array([8.0, 1.0, 1.0]), 0.9) == 2
    assert geometry.components(np.array([5.0, 3.0, 2.0]), 0.81) == 3
    assert geometry.components(np.zeros(3), 0.9) == 0


@pytest.mark.parametrize("n", [4, 40])
def test_anisotropy_is_a_ratio_of_singular_values(rng: Rng, n: int) -> None:
    points = rng.standard_normal((n, 9)) + 3
    values = np.linalg.svd(points, compute_uv=False)
    assert geometry.anisotropy(points) == pytest.approx(values[0] / np.median(values))


def test_anisotropy_without_a_median_direction_is_not_defined(rng: Rng) -> None:
    assert np.isnan(geometry.anisotropy(plane(rng, 100, 2, 9)))


def test_outlying_dimensions_are_counted_once(rng: Rng) -> None:
    points = rng.standard_normal((4000, 100))
    points[:, 3] += 5
    points[:, 7] *= 9
    points[:, 8] = 12 * points[:, 8] + 8
    assert geometry.outlier_fraction(points) == pytest.approx(0.03)


def test_bit_balance_by_hand() -> None:
    points = np.array([[1.0, -1.0], [2.0, -1.5], [3.0, 1.0], [-2.0, 1.5]])
    found = geometry.diagnose(points)
    assert found["bit_imbalance"] == pytest.approx((0.25 + 0) / 2)
    expected = np.abs(np.median(points, axis=0)) / points.std(axis=0)
    assert found["median_offset"] == pytest.approx(expected.mean())
    variances = points.var(axis=0)
    assert found["variance_spread"] == pytest.approx(variances.std() / variances.mean())


def test_hubness_is_the_skewness_of_occurrences() -> None:
    # Row 0 is everyone's neighbour: counts 4, 1, 0, 0, 0.
    neighbours = np.array([[1], [0], [0], [0], [0]])
    counts = np.array([4.0, 1, 0, 0, 0]) - 1
    assert geometry.hubness(neighbours) == pytest.approx((counts**3).mean() / (counts**2).mean() ** 1.5)
    assert geometry.hubness(np.array([[1], [0]])) == 0


def test_cosines_of_random_pairs(rng: Rng) -> None:
    points = np.repeat(np.array([[3.0, 0.0], [0.0, 2.0]]), 50, axis=0)
    cosines = geometry.pair_cosines(points, pairs=20_000)
    assert set(np.round(cosines, 12)) == {0.0, 1.0}
    # Of 99 others, 49 are the same direction.
    assert cosines.mean() == pytest.approx(49 / 99, abs=0.02)
    assert np.array_equal(cosines, geometry.pair_cosines(points, pairs=20_000))
    assert len(geometry.pair_cosines(points[:1])) == 0


def test_the_sample_is_seeded_and_as_large_as_asked(rng: Rng) -> None:
    points = rng.standard_normal((300, 4)).astype(np.float32)
    assert geometry.sample(points, 100, 1).shape == (100, 4)
    assert np.array_equal(geometry.sample(points, 100, 1), geometry.sample(points, 100, 1))
    assert not np.array_equal(geometry.sample(points, 100, 1), geometry.sample(points, 100, 2))
    assert np.array_equal(geometry.sample(points, 500), points.astype(np.float64))


@pytest.mark.parametrize("points", [np.ones((1, 3)), np.ones((5, 3)), np.array([[1.0, 0], [0, 1]])])
def test_degenerate_clouds_raise_nothing(points: np.ndarray) -> None:
    assert set(geometry.diagnose(points)) == set(geometry.DIAGNOSTICS)


def test_documents_without_text_are_left_out(rng: Rng) -> None:
    vectors = rng.standard_normal((60, 4)).astype(np.float32)
    # What a text without words becomes lies near everything.
    vectors[[3, 40]] = 0
    kept = np.delete(vectors, [3, 40], axis=0)
    assert np.array_equal(geometry.sample(vectors, without=[3, 40]), kept)
    drawn = geometry.sample(vectors, size=50, seed=1, without=[3, 40])
    assert len(drawn) == 50
    assert np.abs(drawn).sum(axis=1).min() > 0
