"""How a figure goes on: against curves whose end is known."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.measures.bootstrap import mean_ci
from binbench.measures.trend import Points, depths, measured, predicted

SIZES = np.array([500, 1000, 2000, 4000, 8000], dtype=np.float64)


def share(sizes: np.ndarray | float, depth: np.ndarray | int = 10) -> np.ndarray:
    """A sigmoid of log(n / k), a little lower at small k."""
    z = 2.5 - 0.4 * (np.log(sizes / depth) - np.log(50)) - 0.3 * (1 / depth - 0.1)
    return 1 / (1 + np.exp(-z))


def points(rng: np.random.Generator | None, queries: int = 200, at: tuple[int, ...] = (1, 2, 3, 5, 7, 10)) -> Points:
    """Per-query shares of `depth` results with that mean: without noise, or binomial."""
    sizes, taken = np.repeat(SIZES, len(at)), np.tile(at, len(SIZES))
    means = share(sizes, taken)
    if rng is None:
        values = np.repeat(means[:, None], queries, axis=1)
    else:
        hard = rng.normal(0, 0.1, queries)
        chance = np.clip(means[:, None] + hard - hard.mean(), 0, 1)
        values = rng.binomial(taken[:, None], chance) / taken[:, None]
    return Points(sizes, taken, values[None], None, 10)


def test_depths_of_a_ranking():
    assert depths(10) == [1, 2, 3, 5, 7, 10]
    assert depths(1) == [1]
    assert depths(100) == [10, 20, 30, 50, 70, 100]


@pytest.mark.parametrize("at", [(10,), (5, 10), (1, 2, 3, 5, 7, 10)])
def test_a_sigmoid_is_continued(at):
    found = predicted(points(None, 5000, at), 32_000)
    assert found.estimate == pytest.approx(share(32_000), abs=0.012)
    assert found.low < share(32_000) < found.high


def test_more_depths_say_more():
    few, many = predicted(points(None, 200, (10,)), 32_000), predicted(points(None, 200), 32_000)
    assert many.high - many.low < 0.8 * (few.high - few.low)


def test_the_farther_the_wider():
    near, far = (predicted(points(None), size) for size in (16_000, 800_000))
    assert far.high - far.low > 3 * (near.high - near.low)


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
    assert found.estimate == pytest.approx(0.95 - 0.02 * np.log(32), abs=0.004)


def test_a_ratio_near_one_stays_there(rng):
    reference = rng.random((5, 100))
    values = reference * (0.999 + 0.002 * rng.random((5, 100)))
    found = predicted(Points(SIZES, np.full(5, 10), values[None], reference, 10), 80_000)
    assert 0.98 < found.low < found.estimate <= 1.005


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
    assert 0.95 < found.estimate < 0.98  # no more than at the largest size
    assert found.low < 0.93
    assert found.high > 0.98


def test_what_is_never_missed_may_be_later():
    found = predicted(Points(SIZES, np.full(5, 10), np.ones((1, 5, 30)), None, 10), 64_000)
    # None of 300 are missed at any size: three may be, by the rule of three.
    assert 0.98 < found.estimate < 1
    assert found.low < 1 - 3 / 300
    assert found.high > 0.999


def test_two_sizes_are_no_trend():
    with pytest.raises(ValueError, match="3 sizes"):
        predicted(points(None).up_to(1000), 32_000)
