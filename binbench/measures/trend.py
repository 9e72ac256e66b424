"""How a figure goes on as a corpus grows: a line through its logit against the logarithm of the size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.measures.bootstrap import Interval

Array = NDArray[np.float64]

RESAMPLES = 2000
CONFIDENCE = 0.95
#: Sizes that a line with an interval needs.
LEAST = 3


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


def predicted(points: Points, size: float, seed: int = 0) -> Interval:
    """The mean over queries at a size that was not measured, with a 95 % interval over queries, seeds and of the fit.

    A code's error stays what it is while neighbours come closer by a power of the number of documents, so the chance
    that it swaps two of them follows a sigmoid of the logarithm. The five nearest of n documents lie as close as the
    ten nearest of 2n: points of another depth k tell of n / k, up to a constant of their own. Points count in
    proportion to their documents: at the smallest sizes, trained methods have seen too little and curves bend. Where
    the line rises, the estimate stays that at the largest size, and the interval reaches down to the lowest point.

    Raises:
        ValueError: fewer than three sizes.
    """
    from scipy.stats import t

    if len(set(points.sizes)) < LEAST:
        raise ValueError(f"a trend needs {LEAST} sizes")
    others = [depth for depth in np.unique(points.depths) if depth != points.depth]
    columns = [np.ones(len(points.sizes)), np.log(points.sizes / points.depths) - np.log(size / points.depth)]
    design = np.stack([*columns, *(1.0 * (points.depths == depth) for depth in others)], axis=1)
    roots = np.sqrt(points.sizes / points.sizes.max())
    inverse = np.linalg.pinv(design * roots[:, None]) * roots
    rng = Generator(PCG64(seed))
    draws = resampled(points.values, points.reference, rng)
    bounded = points.reference is None
    # Half a result in all queries stands for none missed, which has no logit.
    least = 0.5 / (points.depth * points.values.shape[-1])
    if bounded:
        draws = _logit(draws, least)
    found = draws @ inverse[0]
    freedom = max(1, len(set(points.sizes)) - 2)
    residuals = (draws[0] - design @ (inverse @ draws[0])) * roots
    variance = (residuals**2).mean() * len(set(points.sizes)) / freedom
    spread = np.sqrt(variance * ((inverse[0] / roots) ** 2).sum())
    noisy = found[1:] + spread * t.rvs(freedom, size=len(found) - 1, random_state=rng)
    low, high = np.quantile(noisy, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    if (slope := (inverse @ draws[0])[1]) > 0:
        # What gets better as a corpus grows (a second stage over a fixed number of candidates) will turn somewhere.
        low = min(low, draws[0][points.depths == points.depth].min())
        found[0] -= slope * max(0.0, np.log(size / points.sizes.max()))
    limits = np.array([found[0], min(low, found[0]), max(high, found[0])])
    if bounded:
        shares = 1 / (1 + np.exp(-limits))
        limits = np.where(shares > 1 - 1.01 * least, 1, shares)
    return Interval(*map(float, limits))


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


def _logit(shares: Array, least: float) -> Array:
    inside = np.clip(shares, least, 1 - least)
    return np.log(inside / (1 - inside))
