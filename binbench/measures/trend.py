"""How a figure goes on as a corpus grows: a smooth curve of its logit against the logarithm of the size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.measures.bootstrap import Interval

Array = NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
#: Sizes that a curve with an interval needs.
LEAST = 3
#: What is believed of a curve before a point is seen, in logits: mean and standard deviation of its slope and its
#: curvature where it is asked about, and of what depth 1 lacks beside great depths of the same density. How these were
#: chosen, and tested on other data, is in docs/methodology.md.
PRIOR = {"slope": (-0.3, 0.3), "curvature": (0.0, 0.1), "shallowness": (-0.2, 0.2)}
#: How far, in logits, a point may lie off a parabola when it is one unit of log(n / k) farther than the nearest.
DISCREPANCY = 0.3
#: Of the depth asked about: 1, 2, 3, 5, 7 and 10 for 10.
SHARES = (0.1, 0.2, 0.3, 0.5, 0.7, 1)
#: The least that a unit of logits is worth on a ratio's own scale, which near a ratio r is r (1 - r).
LEAST_WORTH = 0.01


@dataclass(frozen=True)
class Points:
    """A measure of one method at several sizes, and perhaps at several depths.

    Attributes:
        sizes: (P,) numbers of documents.
        depths: (P,) the k that each point is taken at.
        values: (R, P, Q): seeds, points, queries; a query with NaN is left out of that point.
        reference: (P, Q) of another method, where the ratio of both means is followed; that goes on as a straight line.
        depth: the k that is asked about.
    """

    sizes: Array
    depths: NDArray[np.int64]
    values: Array
    reference: Array | None
    depth: int

    def up_to(self, size: float) -> Points:
        """Those of at most so many documents."""
        kept = self.sizes <= size
        reference = None if self.reference is None else self.reference[kept]
        return Points(self.sizes[kept], self.depths[kept], self.values[:, kept], reference, self.depth)


def depths(depth: int) -> list[int]:
    """The depths at which a ranking tells of larger corpora at `depth`: fractions of it and, last, itself."""
    return sorted({max(1, round(share * depth)) for share in SHARES})


def predicted(points: Points, size: float, seed: int = 0) -> Interval:
    """The mean over queries at a size that was not measured, with a 95 % interval over queries, seeds and of the fit.

    A code's error stays what it is while neighbours come closer by a power of the number of documents, so the chance
    that it swaps two of them follows a sigmoid of the logarithm. The five nearest of n documents lie as close as the
    ten nearest of 2n: a point of another depth k tells of n / k, which at small k reaches as far as what is asked
    about. What is fitted is a parabola around the place asked about, by Bayes' rule from :data:`PRIOR` and from points
    whose variance is that of counting k Q results (of a ratio, that over queries) and a discrepancy that grows with
    the distance.

    Raises:
        ValueError: fewer than three sizes.
    """
    if len(set(points.sizes)) < LEAST:
        raise ValueError(f"a trend needs {LEAST} sizes")
    bounded, queries = points.reference is None, points.values.shape[-1]
    rng = Generator(PCG64(seed))
    draws = resampled(points.values, points.reference, rng)
    variance, largest = draws[1:].var(axis=0), draws[0, points.sizes.argmax()]
    scale = max(LEAST_WORTH, largest * (1 - largest))
    # Half a result in all queries stands for none missed, which has no logit.
    least = 0.5 / (points.depth * queries)
    if bounded:
        shares = np.clip(draws, least, 1 - least)
        draws = np.log(shares / (1 - shares))
        # Of a binomial, twice, because the results of one query are not drawn independently of each other.
        scale, variance = 1.0, 2 / (points.depths * queries * shares[0] * (1 - shares[0]))
    away = np.log(points.sizes / points.depths) - np.log(size / points.depth)
    beyond = np.abs(away) - np.abs(away).min()
    variance += (scale * DISCREPANCY * beyond**2) ** 2 + 1e-12
    design = np.stack([np.ones(len(away)), away, away**2 / 2, 1 / points.depths - 1 / points.depth], axis=1)
    mean, deviation = scale * np.array([(0, np.inf), *PRIOR.values()]).T
    precision = np.diag(deviation**-2.0)
    covariance = np.linalg.inv(design.T @ (design / variance[:, None]) + precision)
    found = draws @ (design / variance[:, None]) @ covariance[0] + covariance[0] @ precision @ mean
    noisy = found[1:] + rng.normal(0, np.sqrt(covariance[0, 0]), len(found) - 1)
    low, high = np.quantile(noisy, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    limits = np.array([found[0], min(low, found[0]), max(high, found[0])])
    return Interval(*map(float, 1 / (1 + np.exp(-limits)) if bounded else limits))


def measured(values: Array, reference: Array | None = None, seed: int = 0) -> Interval:
    """The mean over queries at one size, (R, Q) seeds and queries, with its interval over both."""
    draws = resampled(values[:, None], None if reference is None else reference[None], Generator(PCG64(seed)))[:, 0]
    return Interval(float(draws[0]), *map(float, np.quantile(draws[1:], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])))


def resampled(values: Array, reference: Array | None, rng: Generator) -> Array:
    """(1 + B, S) means over seeds and queries of `values` (R, S, Q): as they are, then of B resamples of both.

    Sizes share the resamples, because the same queries are asked at each.
    """
    seeds, _, queries = values.shape
    counts = np.vstack([np.ones(queries), rng.multinomial(queries, np.full(queries, 1 / queries), RESAMPLES)])
    shares = np.vstack(
        [np.full(seeds, 1 / seeds), rng.multinomial(seeds, np.full(seeds, 1 / seeds), RESAMPLES) / seeds]
    )
    means = np.einsum("rbs,br->bs", np.stack([_means(one, counts) for one in values]), shares)
    return means if reference is None else means / _means(reference, counts)


def _means(values: Array, counts: Array) -> Array:
    """(B, S) means of `values` (S, Q) weighted by `counts` (B, Q)."""
    known = ~np.isnan(values)
    return (counts @ np.where(known, values, 0).T) / np.maximum(counts @ known.T, 1e-12)
