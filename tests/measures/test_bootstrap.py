import numpy as np
import pytest
from numpy.random import PCG64, Generator
from scipy import stats

from binbench.measures import bootstrap
from binbench.measures.bootstrap import difference_ci, mean_ci, ratio_ci

RANDOM = Generator(PCG64(5))
SKEWED = RANDOM.beta(0.3, 1.5, size=80)
OTHER = np.clip(SKEWED + RANDOM.normal(0.1, 0.2, size=80), 0, 1)


def close_to(interval: tuple, expected: tuple, width: float) -> None:
    # Both limits carry Monte Carlo error: with 10,000 resamples about 1 % of the width, one sigma.
    np.testing.assert_allclose(interval, expected, atol=0.05 * width)


@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_mean_agrees_with_scipy(confidence):
    found = mean_ci(SKEWED, confidence=confidence)
    expected = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=10_000, confidence_level=confidence, rng=Generator(PCG64(1))
    ).confidence_interval
    assert found.estimate == pytest.approx(SKEWED.mean(), abs=1e-15)
    close_to(found[1:], tuple(expected), expected.high - expected.low)
    # Skewed data have an interval that is longer upwards; a symmetric one would fail here.
    assert found.high - found.estimate > 1.05 * (found.estimate - found.low)


@pytest.mark.parametrize(
    ("function", "statistic"),
    [
        (difference_ci, lambda a, b, axis: a.mean(axis) - b.mean(axis)),
        (ratio_ci, lambda a, b, axis: a.mean(axis) / b.mean(axis)),
    ],
)
def test_paired_intervals_agree_with_scipy(function, statistic):
    found = function(SKEWED, OTHER)
    expected = stats.bootstrap(
        (SKEWED, OTHER), statistic, paired=True, n_resamples=10_000, rng=Generator(PCG64(2))
    ).confidence_interval
    assert found.estimate == pytest.approx(statistic(SKEWED, OTHER, 0))
    close_to(found[1:], tuple(expected), expected.high - expected.low)


def test_pairing_narrows_the_interval():
    base = np.linspace(0, 1, 100)
    found = difference_ci(base + 0.1 + 0.01 * np.tile([1, -1], 50), base)
    assert 0.09 < found.low < 0.1 < found.high < 0.11


@pytest.mark.parametrize(("n", "shape"), [(25, 1.0), (60, 0.4)])
def test_coverage_of_the_mean(n, shape):
    trials = 400
    samples = Generator(PCG64(n)).beta(shape, 1, size=(n, trials))
    found = mean_ci(samples, resamples=2000)
    true_mean = shape / (shape + 1)
    covered = int(((found.low <= true_mean) & (true_mean <= found.high)).sum())
    # BCa covers a little less than nominal at such n: 92 % must not be refuted, nor 97 %.
    assert stats.binomtest(covered, trials, 0.92, alternative="less").pvalue > 1e-3
    assert stats.binomtest(covered, trials, 0.97, alternative="greater").pvalue > 1e-3


def test_coverage_of_the_ratio():
    random, trials, covered = Generator(PCG64(3)), 200, 0
    for trial in range(trials):
        b = random.beta(2, 2, size=50)
        found = ratio_ci(b * random.uniform(0.5, 1, size=50), b, seed=trial % 4, resamples=1000)
        covered += found.low <= 0.75 <= found.high
    assert stats.binomtest(covered, trials, 0.92, alternative="less").pvalue > 1e-3
    assert stats.binomtest(covered, trials, 0.975, alternative="greater").pvalue > 1e-3


def test_columns_are_as_if_alone_and_nan_is_left_out_of_its_column():
    values = np.stack([SKEWED, OTHER, np.where(np.arange(80) < 50, SKEWED, np.nan), np.full(80, np.nan)], axis=1)
    found = mean_ci(values, seed=4)
    for column, expected in enumerate([SKEWED, OTHER, SKEWED[:50]]):
        np.testing.assert_allclose([x[column] for x in found], mean_ci(expected, seed=4), rtol=1e-12)
    assert np.isnan([x[3] for x in found]).all()


def test_seed_decides():
    assert mean_ci(SKEWED, seed=1) == mean_ci(SKEWED, seed=1)
    assert mean_ci(SKEWED, seed=1) != mean_ci(SKEWED, seed=2)


def test_blocks_add_up_to_all_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "_BLOCK", 700)
    counts = np.concatenate(list(bootstrap._resampled(30, 0, 100)))
    assert counts.shape == (100, 30)
    assert (counts.sum(axis=1) == 30).all()
    assert len(np.unique(counts, axis=0)) == 100
    # Each count is Binomial(30, 1/30): variance 29/30 over 3,000 of them.
    assert 0.85 < counts.var() < 1.1


def test_degenerate_samples():
    assert mean_ci(np.array([0.3])) == (0.3, 0.3, 0.3)
    for interval in (mean_ci(np.full(7, 0.1)), difference_ci(SKEWED, SKEWED - 0)):
        assert interval.low == interval.estimate == interval.high
    assert np.isnan(mean_ci(np.array([]))).all()
    assert np.isnan(difference_ci(np.array([np.nan]), np.array([1.0]))).all()


def test_ratio_against_zero():
    assert np.isnan(ratio_ci(np.array([1.0, 0.0]), np.zeros(2))).all()
    found = ratio_ci(np.array([0.5, 0.5, 0.6]), np.array([0.0, 0.0, 1.0]))
    assert found.high == np.inf
    assert found.estimate == pytest.approx(1.6)


def test_ratio_of_a_method_to_itself_is_one_exactly():
    assert ratio_ci(SKEWED, SKEWED) == (1, 1, 1)


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="not two values per query"):
        difference_ci(np.zeros(3), np.zeros(4))
