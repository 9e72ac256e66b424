"""What an embedding set looks like: diagnostics that might tell how well it survives compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

Array = NDArray[np.float64]

SAMPLE = 5000
PAIRS = 100_000
#: Neighbours that hubness counts.
OCCURRENCES = 10
#: The share of largest ratios that TwoNN leaves out of its fit, as its authors do.
TWONN_DISCARDED = 0.1

#: The scalar diagnostics of :func:`diagnose`, with their definitions.
DIAGNOSTICS = {
    "anisotropy": "largest over median singular value of the uncentred matrix",
    "outlier_fraction": "share of dimensions whose |mean| or variance is more than 3 SD above the mean dimension's",
    "components_90": "principal components that hold 90 % of the variance",
    "twonn": "intrinsic dimension by TwoNN (Facco et al., 2017), duplicates removed",
    "cosine_mean": "mean cosine of random pairs",
    "cosine_sd": "standard deviation of the cosine of random pairs",
    "isoscore": "IsoScore (Rudman et al., 2022): 0 for one direction, 1 for all alike",
    "participation_ratio": "(Σλ)² / Σλ² of the covariance's eigenvalues",
    "hubness": f"skewness of the {OCCURRENCES}-occurrence, duplicates removed",
    "bit_imbalance": "mean over dimensions of |P(x > 0) − ½|",
    "median_offset": "mean over dimensions of |median| / σ",
    "variance_spread": "coefficient of variation of the dimensions' variances",
}


def sample(vectors: NDArray[np.float32], size: int = SAMPLE, seed: int = 0, without: Sequence[int] = ()) -> Array:
    """At most `size` rows of `vectors` (N, d), drawn without replacement, in row order, as float64.

    The rows `without` are never drawn: documents without text, whose vector is near everything or nothing.
    """
    kept = np.delete(np.arange(len(vectors)), without)
    if len(kept) > size:
        kept = np.sort(Generator(PCG64(seed)).choice(kept, size=size, replace=False, shuffle=False))
    return np.asarray(vectors[kept], dtype=np.float64)


def diagnose(vectors: Array, seed: int = 0) -> dict[str, float]:
    """Every one of :data:`DIAGNOSTICS` for `vectors` (n, d); NaN where one is not defined.

    Args:
        vectors: a sample of an embedding set.
        seed: of the random pairs.
    """
    variances = vectors.var(axis=0)
    deviations = np.sqrt(variances)
    eigenvalues = spectrum(vectors)
    cosines = pair_cosines(vectors, seed)
    distances, neighbors = _neighbors(np.unique(vectors, axis=0), OCCURRENCES)
    alive = deviations > 0
    return {
        "anisotropy": anisotropy(vectors),
        "outlier_fraction": outlier_fraction(vectors),
        "components_90": float(components(eigenvalues, 0.9)),
        "twonn": twonn(distances),
        "cosine_mean": float(cosines.mean()) if len(cosines) else np.nan,
        "cosine_sd": float(cosines.std()) if len(cosines) else np.nan,
        "isoscore": isoscore(eigenvalues),
        "participation_ratio": participation_ratio(eigenvalues),
        "hubness": hubness(neighbors),
        "bit_imbalance": float(np.abs(prevalence(vectors) - 0.5).mean()),
        "median_offset": float((np.abs(np.median(vectors, axis=0))[alive] / deviations[alive]).mean())
        if alive.any()
        else np.nan,
        "variance_spread": float(variances.std() / variances.mean()) if alive.any() else np.nan,
    }


def instability(vectors: Array) -> float:
    """How far the anisotropies of two halves of `vectors` (n, d) are apart, relative to their mean."""
    first, second = anisotropy(vectors[::2]), anisotropy(vectors[1::2])
    return abs(first - second) / ((first + second) / 2)


def anisotropy(vectors: Array) -> float:
    """σ₁ / σ_median of the uncentred (n, d) matrix; NaN where the median singular value is 0."""
    values = np.linalg.svd(vectors, compute_uv=False) if len(vectors) < vectors.shape[1] else _singular(vectors)
    median = float(np.median(values))
    # Squared in the Gram matrix, singular values below this share of the largest are rounding.
    return float(values.max() / median) if median > 1e-7 * values.max() else np.nan


def outlier_fraction(vectors: Array) -> float:
    """The share of dimensions whose |mean| or variance lies more than 3 σ above the mean across dimensions."""
    outlying = np.zeros(vectors.shape[1], dtype=bool)
    for values in (np.abs(vectors.mean(axis=0)), vectors.var(axis=0)):
        outlying |= values > values.mean() + 3 * values.std()
    return float(outlying.mean())


def spectrum(vectors: Array) -> Array:
    """(d,) eigenvalues of the covariance of (n, d) `vectors`, descending, not negative."""
    centered = vectors - vectors.mean(axis=0)
    return np.maximum(np.linalg.eigvalsh(centered.T @ centered / len(vectors))[::-1], 0)


def components(eigenvalues: Array, share: float) -> int:
    """The fewest leading `eigenvalues` (d,) whose sum is at least `share` of all; 0 where all are 0."""
    total = eigenvalues.sum()
    if total == 0:
        return 0
    return int(np.searchsorted(np.cumsum(eigenvalues) / total, share - 1e-12) + 1)


def participation_ratio(eigenvalues: Array) -> float:
    """(Σλ)² / Σλ²: d for equal eigenvalues, 1 for a single one."""
    squares = float(np.square(eigenvalues).sum())
    return float(eigenvalues.sum() ** 2 / squares) if squares else np.nan


def isoscore(eigenvalues: Array) -> float:
    """IsoScore of a covariance with these (d,) `eigenvalues` (Rudman et al., ACL Findings 2022, algorithm 1)."""
    d, length = len(eigenvalues), float(np.linalg.norm(eigenvalues))
    if d < 2 or length == 0:
        return np.nan
    defect = np.linalg.norm(np.sqrt(d) * eigenvalues / length - 1) / np.sqrt(2 * (d - np.sqrt(d)))
    isotropic = (d - defect**2 * (d - np.sqrt(d))) ** 2 / d**2
    return float((d * isotropic - 1) / (d - 1))


def twonn(distances: Array) -> float:
    """Intrinsic dimension from the distances (n, >= 2) of each point to its nearest others, ascending.

    The slope through the origin of −log(1 − F(μ)) against log μ, μ being the second distance over the first and F its
    empirical distribution, without the largest tenth (Facco, d'Errico, Rodriguez and Laio, 2017).
    """
    if distances.shape[1] < 2:
        return np.nan
    apart = distances[:, 0] > 0
    ratios = np.sort(np.log(distances[apart, 1] / distances[apart, 0]))
    kept = int(len(ratios) * (1 - TWONN_DISCARDED))
    x = ratios[:kept]
    if kept < 2 or not x.any():
        return np.nan
    y = -np.log(1 - np.arange(1, kept + 1) / len(ratios))
    return float(x @ y / (x @ x))


def hubness(neighbors: NDArray[np.int64]) -> float:
    """The skewness of how often each of n points occurs among the others' nearest, (n, k) row numbers."""
    from scipy.stats import skew

    if neighbors.shape[1] == 0:
        return np.nan
    counts = np.bincount(neighbors.ravel(), minlength=len(neighbors))
    return float(skew(counts)) if np.ptp(counts) else 0.0


def pair_cosines(vectors: Array, seed: int = 0, pairs: int = PAIRS) -> Array:
    """The cosines (pairs,) of random pairs of different rows; none where there are fewer than two rows."""
    if len(vectors) < 2:
        return np.empty(0)
    rng = Generator(PCG64(seed))
    left = rng.integers(len(vectors), size=pairs)
    right = (left + rng.integers(1, len(vectors), size=pairs)) % len(vectors)
    lengths = np.linalg.norm(vectors, axis=1)
    unit = vectors / np.where(lengths > 0, lengths, 1)[:, None]
    step = 1 << 14
    starts = range(0, pairs, step)
    return np.concatenate([np.einsum("ij,ij->i", unit[left[i : i + step]], unit[right[i : i + step]]) for i in starts])


def prevalence(vectors: NDArray[Any]) -> Array:
    """(d,) the share of rows above zero in each dimension."""
    return (vectors > 0).mean(axis=0)


def _singular(vectors: Array) -> Array:
    return np.sqrt(np.maximum(np.linalg.eigvalsh(vectors.T @ vectors), 0))


def _neighbors(points: Array, k: int) -> tuple[Array, NDArray[np.int64]]:
    """Distances and rows (n, k) of the nearest other points, Euclidean, in float64."""
    from sklearn.neighbors import NearestNeighbors

    k = min(k, len(points) - 1)
    if k < 1:
        return np.empty((len(points), 0)), np.empty((len(points), 0), np.int64)
    return NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points).kneighbors()
