"""Two methods on the same queries: how large the difference is, and whether it is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.measures.bootstrap import CONFIDENCE, RESAMPLES, Interval, difference_ci, paired, ratio_ci

Array = NDArray[np.float64]

#: Up to this many differing queries all sign flips are enumerated.
EXACT_UP_TO = 13
#: Values closer than this tie.
TIE = 1e-9
#: Random signs drawn at a time, to bound the memory.
_BLOCK = 1 << 17


@dataclass(frozen=True)
class Comparison:
    """Method `a` against method `b` on the queries that have values for both, larger values being better.

    Attributes:
        queries: how many queries that are.
        mean_a, mean_b: the means over them.
        difference: mean(a) − mean(b), with its paired bootstrap interval.
        ratio: mean(a) / mean(b), likewise.
        p_value: of the two-sided paired randomization test, uncorrected; see :func:`holm`.
        wins, ties, losses: queries on which `a` is better, equal (within 1e-9), worse.
    """

    queries: int
    mean_a: float
    mean_b: float
    difference: Interval
    ratio: Interval
    p_value: float
    wins: int
    ties: int
    losses: int


def compare(
    a: NDArray[Any], b: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Comparison:
    """Compare two methods by their values (Q,) on the same queries; queries with NaN in either are left out.

    Values may be (S, Q), a row for each seed of a method: the intervals then hold the seeds too, the test and the
    counts of wins are about the means over them.

    Raises:
        ValueError: the numbers of queries differ.
    """
    difference, ratio = (interval(a, b, seed, resamples, confidence) for interval in (difference_ci, ratio_ci))
    a, b = paired(*(np.atleast_2d(one).mean(axis=0) for one in (a, b)))
    wins, ties, losses = win_tie_loss(a, b)
    return Comparison(
        queries=len(a),
        mean_a=float(a.mean()) if len(a) else np.nan,
        mean_b=float(b.mean()) if len(a) else np.nan,
        difference=difference,
        ratio=ratio,
        p_value=randomization_test(a, b, seed, resamples),
        wins=wins,
        ties=ties,
        losses=losses,
    )


def win_tie_loss(a: NDArray[Any], b: NDArray[Any]) -> tuple[int, int, int]:
    """On how many queries `a` (Q,) is above, within 1e-9 of, and below `b` (Q,); NaN in either is left out."""
    a, b = paired(a, b)
    wins, losses = int((a - b > TIE).sum()), int((b - a > TIE).sum())
    return wins, len(a) - wins - losses, losses


def randomization_test(a: NDArray[Any], b: NDArray[Any], seed: int = 0, resamples: int = RESAMPLES) -> float:
    """The two-sided p-value of the paired randomization test on the mean difference (Fisher, 1935; Smucker, 2007).

    Under the null hypothesis the two values of a query are exchangeable, so each difference's sign is a coin flip. With
    at most 13 differing queries all flips are enumerated; otherwise `resamples` random ones are drawn and the p-value
    is (1 + extreme) / (1 + resamples), so never 0.

    Args:
        a, b: (Q,) values of the same queries; queries with NaN in either are left out.
        seed: of the random flips.
        resamples: how many.

    Returns:
        The p-value: 1 where no query differs, NaN where there are no queries.
    """
    a, b = paired(a, b)
    if not len(a):
        return np.nan
    differences = a - b
    # A query without a difference adds nothing to any flip.
    differences = differences[differences != 0]
    # Flips that are equal but for rounding count as extreme.
    observed = abs(differences.sum()) - 1e-12 * np.abs(differences).sum()
    n = len(differences)
    if n <= EXACT_UP_TO:
        flips = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return float((np.abs((1 - 2 * flips) @ differences) >= observed).mean())
    random = Generator(PCG64(seed))
    extreme, rows = 0, max(_BLOCK // n, 1)
    for start in range(0, resamples, rows):
        signs = random.integers(2, size=(min(rows, resamples - start), n), dtype=np.int8) * 2.0 - 1
        extreme += int((np.abs(signs @ differences) >= observed).sum())
    return (1 + extreme) / (1 + resamples)


def holm(p_values: Sequence[float] | NDArray[Any]) -> Array:
    """p-values adjusted for testing them all, by Holm's step-down method (1979); the family-wise error rate is kept.

    NaN (a test that could not be made) stays NaN and does not count towards the family.
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return adjusted
