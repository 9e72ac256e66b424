"""What random hyperplanes promise: P[bits differ] = θ/π (Charikar, 2002), so an unbiased angle of variance ∝ 1/bits."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.codes import BinaryEmbeddingEngine

SEEDS = 40
DIMENSION = 24


def pair(degrees: float, seed: int) -> np.ndarray:
    """Two unit vectors at that angle, in a random plane."""
    rng = np.random.Generator(np.random.PCG64([seed, 99]))
    plane, _ = np.linalg.qr(rng.standard_normal((DIMENSION, 2)))
    angle = np.radians(degrees)
    return np.array([plane[:, 0], np.cos(angle) * plane[:, 0] + np.sin(angle) * plane[:, 1]])


def shares(degrees: float, bits: int, projection: str = "gaussian", seeds: int = SEEDS) -> np.ndarray:
    """For every seed the share of bits that differ between two vectors at that angle."""
    found = []
    for seed in range(seeds):
        vectors = pair(degrees, seed)
        engine = BinaryEmbeddingEngine(bits, projection, seed=seed).fit(vectors[:1])
        found.append(engine.search(vectors[1:], 1)[1][0, 0] / bits)
    return np.array(found)


@pytest.mark.parametrize("degrees", [0, 5, 20, 45, 60, 90, 120, 150, 175, 180])
def test_bits_differ_with_probability_angle_over_pi(degrees: float) -> None:
    bits = 1024
    p = degrees / 180
    error = np.sqrt(p * (1 - p) / (bits * SEEDS))
    found = shares(degrees, bits)
    # The mean over seeds is the mean of independent bits: within 4 binomial standard errors, and unbiased.
    assert abs(found.mean() - p) <= 4 * error
    # Each seed by itself is, too.
    assert (np.abs(found - p) <= 5 * error * np.sqrt(SEEDS)).all()


@pytest.mark.parametrize("degrees", [30, 90])
def test_variance_falls_as_one_over_bits(degrees: float) -> None:
    p, estimates = degrees / 180, 500
    vectors = pair(degrees, seed=0)
    for bits in (16, 64, 256):
        # The columns of one wide projection are independent: it holds many estimates of `bits` bits each.
        codes = BinaryEmbeddingEngine(estimates * bits, seed=bits).fit(vectors).codes_.bits01
        differing = (codes[0] != codes[1]).reshape(estimates, bits).mean(axis=1)
        ratio = differing.var(ddof=1) * bits / (p * (1 - p))
        # A sample variance has a relative standard error of √(2/(n-1)), 6 % here.
        assert abs(ratio - 1) < 4 * np.sqrt(2 / (estimates - 1))


def test_orthonormal_columns_are_unbiased_with_less_variance() -> None:
    bits, seeds = DIMENSION, 300
    orthonormal = shares(60, bits, "orthonormal", seeds)
    assert abs(orthonormal.mean() - 1 / 3) < 4 * orthonormal.std() / np.sqrt(seeds)
    independent_variance = 1 / 3 * 2 / 3 / bits
    assert orthonormal.var(ddof=1) < 0.8 * independent_variance
