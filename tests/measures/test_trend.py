"""How a figure goes on: against curves whose end is known."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.measures.bootstrap import mean_ci
from binbench.measures.trend import Points, measured, predicted

SIZES = np.array([500, 1000, 2000, 4000, 8000], dtype=np.float64)


def share(sizes: np.ndarray | float, depth: int = 10) -> np.ndarray:
    """A sigmoid of log(n / k) with a constant for depth 5."""
    z = 2.5 - 0.4 * (np.log(sizes / depth) - np.log(50)) + (0.3 if depth == 5 else 0)
    return 1 / (1 + np.exp(-z))


def points(rng: np.random.Generator | None, queries: int = 200, depths: tuple[int, ...] = (10, 5)) -> Points:
    """Per-query shares of `depth` results with that mean: without noise, or binomial."""
    sizes, at = np.repeat(SIZES, len(depths)), np.tile(depths, len(SIZES))
    means = np.array([share(n, k) for n, k in zip(sizes, at, strict=True)])
    if rng is None:
        values = np.repeat(means[:, None], queries, axis=1)
    else:
        hard = rng.normal(0, 0.1, queries)
        chance = np.clip(means[:, None] + hard - hard.mean(), 0, 1)
        values = rng.binomial(at[:, None], chance) / at[:, None]
    return Points(sizes, at, values[None], None, 10)


@pytest.mark.parametrize("depths", [(10,), (10, 5)])
def test_a_sigmoid_is_continued(depths):
    found = predicted(points(None, depths=depths), 32_000)
    assert found.estimate == pytest.approx(share(32_000), abs=1e-9)
    assert found.low == pytest.approx(found.high, abs=1e-6)


def test_the_interval_holds_the_truth_about_as_often_as_it_says(rng):
    held, widths = 0, []
    for trial in range(60):
        found = predicted(points(rng, 100), 32_000, seed=trial)
        held += found.low <= share(32_000) <= found.high
        widths.append(found.high - found.low)
    assert held >= 54  # of 60, at 95 %
    assert np.mean(widths) < 0.15


def test_a_ratio_goes_on_as_a_straight_line():
    slope = 0.95 - 0.02 * np.log(SIZES / 500)
    reference = np.full((5, 30), 0.5)
    found = predicted(Points(SIZES, np.full(5, 10), (slope[:, None] * reference)[None], reference, 10), 16_000)
    assert found.estimate == pytest.approx(0.95 - 0.02 * np.log(32))


def test_seeds_widen_the_interval(rng):
    one = rng.random((1, 40))
    apart = np.stack([one[0] * 0.5, one[0], np.minimum(1, one[0] * 1.5)])
    narrow, wide = measured(one), measured(apart)
    assert narrow.estimate == pytest.approx(one.mean())
    assert narrow.low == pytest.approx(mean_ci(one[0]).low, abs=0.02)
    assert wide.high - wide.low > 1.3 * (narrow.high - narrow.low)


def test_what_rises_may_turn():
    means = np.array([0.9, 0.93, 0.95, 0.97, 0.98])
    found = predicted(Points(SIZES, np.full(5, 10), np.repeat(means[:, None], 40, axis=1)[None], None, 10), 32_000)
    assert found.estimate == pytest.approx(0.98, abs=0.005)  # no more than at the largest size
    assert found.low == pytest.approx(0.9)
    assert found.high > 0.98


def test_what_is_never_missed_stays_so():
    found = predicted(Points(SIZES, np.full(5, 10), np.ones((1, 5, 30)), None, 10), 64_000)
    assert tuple(found) == (1, 1, 1)


def test_two_sizes_are_no_trend():
    with pytest.raises(ValueError, match="3 sizes"):
        predicted(points(None).up_to(1000), 32_000)
