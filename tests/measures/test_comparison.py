from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import PCG64, Generator
from scipy import stats

from binbench.measures import comparison
from binbench.measures.comparison import compare, holm, randomization_test, win_tie_loss


def test_exact_p_value_by_hand():
    # Differences 1, 2, 3: of 8 sign patterns only +++ and --- reach a sum of 6.
    assert randomization_test(np.array([1.0, 2.0, 3.0]), np.zeros(3)) == 2 / 8
    # Differences 1, 1, -1: |sum| is 1 for 6 patterns and 3 for 2.
    assert randomization_test(np.array([1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])) == 1


def test_sign_does_not_matter_and_equal_queries_do_not_either():
    a, b = np.array([0.1, 0.5, 0.9, 0.4]), np.array([0.3, 0.6, 0.9, 0.5])
    assert randomization_test(a, b) == randomization_test(b, a) == 2 / 8
    assert randomization_test(np.append(a, np.ones(50)), np.append(b, np.ones(50))) == 2 / 8


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-3, 3), min_size=1, max_size=7))
def test_exact_p_value_by_enumeration(tenths):
    # Tenths do not add up exactly in binary: ties must survive the rounding.
    differences = np.array(tenths) / 10
    sums = [
        abs(sum(s * t for s, t in zip(signs, tenths, strict=True))) for signs in product([1, -1], repeat=len(tenths))
    ]
    expected = np.mean([s >= abs(sum(tenths)) for s in sums])
    assert randomization_test(differences, np.zeros(len(tenths))) == pytest.approx(expected)


def test_monte_carlo_agrees_with_scipy(monkeypatch):
    random = Generator(PCG64(0))
    differences = random.normal(0.3, 1, size=40)
    expected = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=50_000, vectorized=True, rng=random
    ).pvalue
    found = randomization_test(differences, np.zeros(40), resamples=50_000)
    assert 0.02 < expected < 0.5
    assert found == pytest.approx(expected, abs=4 * np.sqrt(2 * expected / 50_000))
    # The same draws, whatever the size of a block.
    assert found == randomization_test(differences, np.zeros(40), resamples=50_000)
    assert found != randomization_test(differences, np.zeros(40), seed=1, resamples=50_000)


def test_monte_carlo_agrees_with_enumeration(monkeypatch):
    differences = Generator(PCG64(4)).normal(0.4, 1, size=12)
    exact = randomization_test(differences, np.zeros(12))
    monkeypatch.setattr(comparison, "EXACT_UP_TO", 0)
    monkeypatch.setattr(comparison, "_BLOCK", 1000)
    assert randomization_test(differences, np.zeros(12), resamples=20_000) == pytest.approx(exact, abs=0.015)


def test_p_value_is_never_zero():
    assert randomization_test(np.ones(200), np.zeros(200), resamples=999) == 1 / 1000


def test_p_values_are_uniform_under_the_null():
    random = Generator(PCG64(9))
    samples = random.normal(size=(300, 2, 20)) + random.normal(size=(300, 1, 20))
    p = [randomization_test(a, b, seed=s % 3, resamples=499) for s, (a, b) in enumerate(samples)]
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_no_difference_and_no_queries():
    assert randomization_test(np.ones(5), np.ones(5)) == 1
    assert np.isnan(randomization_test(np.array([]), np.array([])))
    assert np.isnan(randomization_test(np.array([np.nan]), np.array([1.0])))


def test_holm_by_hand():
    # Sorted: .005 × 4, .01 × 3, .03 × 2, .04 × 1, each at least the one before.
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03, 0.005]), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm([0.6, 0.7]), [1, 1])
    np.testing.assert_allclose(holm([0.02, np.nan, 0.04]), [0.04, np.nan, 0.04])
    assert holm([]).shape == (0,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.floats(0.001, 0.5))
def test_holm_rejects_as_the_step_down_procedure_does(p, level):
    rejected = [False] * len(p)
    for step, test in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        # Compared as products, so that rounding is the same.
        if p[test] * (len(p) - step) > level:
            break
        rejected[test] = True
    assert (holm(p) <= level).tolist() == rejected


def test_win_tie_loss():
    a = np.array([1.0, 0.5, 0.2, 0.3, np.nan])
    b = np.array([0.0, 0.5, 0.2 + 1e-12, 0.4, 1.0])
    assert win_tie_loss(a, b) == (1, 2, 1)


def test_comparison():
    random = Generator(PCG64(8))
    b = random.uniform(0.2, 0.8, size=60)
    a = b + np.where(np.arange(60) < 45, 0.1, -0.05)
    a[0] = np.nan
    found = compare(a, b)
    assert found.queries == 59
    assert (found.wins, found.ties, found.losses) == (44, 0, 15)
    assert found.difference.estimate == pytest.approx((44 * 0.1 - 15 * 0.05) / 59)
    assert found.mean_a - found.mean_b == pytest.approx(found.difference.estimate)
    assert found.ratio.estimate == pytest.approx(found.mean_a / found.mean_b)
    assert 0 < found.difference.low < found.difference.estimate < found.difference.high
    assert 1 < found.ratio.low < found.ratio.estimate < found.ratio.high
    assert found.p_value == 1 / 10_001
    assert compare(a, b) == found


def test_comparison_of_nothing():
    found = compare(np.array([]), np.array([]))
    assert found.queries == found.wins == found.ties == found.losses == 0
    assert np.isnan([found.mean_a, found.difference.low, found.ratio.high, found.p_value]).all()


def test_comparison_of_other_queries_is_refused():
    with pytest.raises(ValueError, match="not two values per query"):
        compare(np.zeros(3), np.zeros(4))
