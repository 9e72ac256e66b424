"""The geometry of a campaign's sets, and whether recall after binarization follows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from binbench.measures.correlation import spearman
from binbench.study import geometry
from binbench.study.permutations import Orders
from binbench.study.rows import SetRow

COSINE_CLASSES = np.linspace(-1, 1, 101)
_SPECTRUM = 512


@dataclass(frozen=True, kw_only=True)
class Shape:
    """The geometry of a sample of a set.

    Attributes:
        sample: how many rows.
        diagnostics: by their names (:data:`binbench.study.geometry.DIAGNOSTICS`); None where not defined.
        instability: how far the anisotropies of two halves of the sample are apart.
        spectrum: the covariance's largest eigenvalues, as shares of the whole variance.
        prevalence: the share of rows above zero in each dimension, ascending.
        cosines: the share of random pairs in each of :data:`COSINE_CLASSES`.
    """

    sample: int
    diagnostics: Mapping[str, float | None]
    instability: float | None
    spectrum: tuple[float, ...]
    prevalence: tuple[float, ...]
    cosines: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class ShapedSet(SetRow, Shape):
    """A set with its geometry and a method's recall@10 on it."""

    recall: float | None


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How diagnostics rank with recall@10 over `n` sets.

    Attributes:
        rho: diagnostic → Spearman's ρ.
        strongest, p_value: the one with the largest |ρ|, and the p-value of that, corrected for their number.
        least_p: the smallest p-value that so many sets of these encoders can have.
    """

    n: int
    rho: Mapping[str, float]
    strongest: str | None
    p_value: float | None
    least_p: float | None


def measure(
    train: NDArray[np.float32], size: int = geometry.SAMPLE, seed: int = 0, without: Sequence[int] = ()
) -> Shape:
    """The geometry of a seeded sample of `train` (N, d), the rows `without` left out."""
    vectors = geometry.sample(train, size, seed, without)
    eigenvalues = geometry.spectrum(vectors)
    cosines = geometry.pair_cosines(vectors, seed)
    counts, _ = np.histogram(np.clip(cosines, -1, 1), COSINE_CLASSES)
    found = geometry.diagnose(vectors, seed)
    return Shape(
        sample=len(vectors),
        diagnostics={name: value if math.isfinite(value) else None for name, value in found.items()},
        instability=geometry.instability(vectors),
        spectrum=tuple((eigenvalues / max(eigenvalues.sum(), 1e-30))[:_SPECTRUM].tolist()),
        prevalence=tuple(np.sort(geometry.prevalence(vectors)).tolist()),
        cosines=tuple((counts / max(1, counts.sum())).tolist()),
    )


def relation(
    diagnostics: Sequence[Mapping[str, float | None]], recalls: Sequence[float | None], encoders: Sequence[str]
) -> Relation:
    """Spearman's ρ of each diagnostic of some sets with recall@10 there, and the p-value of the largest of them.

    With a dozen diagnostics and a handful of sets some ρ is large by chance, so the largest |ρ| is compared with the
    largest ones after permuting the recalls (Westfall and Young, 1993) among the sets of each of the `encoders`.
    """
    n, names = len(recalls), common(diagnostics)
    if n < 3 or not names or any(value is None for value in recalls):
        return Relation(n=n, rho={}, strongest=None, p_value=None, least_p=None)
    x, y = np.array([[own[name] for own in diagnostics] for name in names], dtype=float), np.array(recalls, dtype=float)
    # A diagnostic that is the same everywhere has no ρ: it follows nothing.
    found = np.nan_to_num(spearman(x, y[None]))
    best = int(np.argmax(np.abs(found)))
    orders = Orders.within(encoders)
    permuted = np.abs(np.nan_to_num(spearman(x[None], y[orders.rows][:, None]))).max(axis=1)
    # Within a single encoder the reverse of an order has the same |ρ|.
    extremes = 2 if len(set(encoders)) == 1 else 1
    return Relation(
        n=n,
        rho=dict(zip(names, found.tolist(), strict=True)),
        strongest=names[best],
        p_value=orders.p_value(abs(float(found[best])), permuted),
        least_p=extremes / orders.possible,
    )


def common(diagnostics: Sequence[Mapping[str, float | None]]) -> list[str]:
    """The diagnostics that are defined for all sets, in the order of their definitions."""
    return [name for name in geometry.DIAGNOSTICS if diagnostics and all(own[name] is not None for own in diagnostics)]
