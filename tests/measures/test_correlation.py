import numpy as np
import pytest
from numpy.random import PCG64, Generator
from scipy import stats

from binbench.measures.correlation import _mean_ranks, angle_bias, correlation, similarity, spearman


def test_correlation_by_hand():
    # Ranks 1 2 3 4 against 1 3 2 4: ρ = 1 − 6·2 / (4·15); deviations ±1.5, ±.5 against −3.25, .75, −.25, 2.75.
    found = correlation(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 4.0, 3.0, 6.0]))
    assert found.spearman == pytest.approx(0.8)
    assert found.pearson == pytest.approx(8.5 / np.sqrt(5 * 18.75))


def test_ties_have_their_mean_rank():
    # Hamming similarities tie massively. Ranks 1 2 3 against 1.5 1.5 3: covariance 1.5, variances 2 and 1.5.
    assert correlation(np.array([1.0, 2.0, 3.0]), np.array([5.0, 5.0, 9.0])).spearman == pytest.approx(1.5 / 3**0.5)


def test_constant_similarity_is_undefined():
    assert np.isnan(correlation(np.ones(4), np.arange(4.0))).all()


def test_many_rows_at_once_by_scipy():
    random = Generator(PCG64(2))
    x, y = random.normal(size=(3, 30)), np.round(random.normal(size=(4, 1, 30)))
    expected = [[stats.spearmanr(row, other[0]).statistic for row in x] for other in y]
    np.testing.assert_allclose(spearman(x, y), expected)
    valid = random.uniform(size=(3, 30)) < 0.7
    expected = [stats.spearmanr(a[v], b[v]).statistic for a, b, v in zip(x, y[:3, 0], valid, strict=True)]
    np.testing.assert_allclose(spearman(x, y[:3, 0], valid), expected)
    valid[0, 1:], valid[1] = False, False
    assert np.isnan(spearman(x, x, valid)).tolist() == [True, True, False]
    assert np.isnan(spearman(x[0], np.ones(30)))


@pytest.mark.parametrize("shape", [(0,), (1,), (40,), (3, 4, 7), (0, 5), (3, 0)])
def test_mean_ranks_by_scipy(shape):
    values = np.round(Generator(PCG64(4)).normal(size=shape))
    values.flat[:3] = np.inf, np.inf, -np.inf
    np.testing.assert_array_equal(_mean_ranks(values), stats.rankdata(values, axis=-1) if values.size else values)
    values.flat[:1] = np.nan
    np.testing.assert_array_equal(_mean_ranks(values), stats.rankdata(values, axis=-1) if values.size else values)


def test_every_pair_of_variables():
    random = Generator(PCG64(0))
    human = random.uniform(0, 5, size=60)
    cosine = human / 5 + random.normal(0, 0.1, size=60)
    code = np.round(cosine * 8)
    found = similarity(human, cosine, code)
    assert found.pairs == 60
    assert found.angle_bias is None
    for coefficients, x, y in [
        (found.float_human, cosine, human),
        (found.code_human, code, human),
        (found.code_float, code, cosine),
    ]:
        assert coefficients == pytest.approx((stats.spearmanr(x, y).statistic, stats.pearsonr(x, y).statistic))


def test_angle_bias_by_hand():
    # True angles π/2, π/3, 0: a cosine a rounding error above 1 is an angle of 0.
    cosine = np.array([0.0, 0.5, 1 + 1e-7])
    found = angle_bias(np.array([np.pi / 2 + 0.2, np.pi / 3 - 0.1, 0.2]), cosine)
    assert found.estimate == pytest.approx(0.1)
    assert found.low < 0.1 < found.high


def test_random_projections_estimate_the_angle_without_bias():
    # P(bits differ) = angle / π for sign codes of Gaussian projections (Charikar, 2002); shrunk angles are biased.
    random = Generator(PCG64(1))
    x, y = random.normal(size=(2, 400, 16))
    y += x * random.uniform(0, 3, size=(400, 1))
    cosine = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    projection = random.normal(size=(16, 4096))
    angle = np.pi * ((x @ projection > 0) != (y @ projection > 0)).mean(axis=1)
    found = similarity(np.arange(400.0), cosine, -angle, angle).angle_bias
    assert found is not None
    assert abs(found.estimate) < 0.01
    biased = similarity(np.arange(400.0), cosine, -angle, 0.9 * angle).angle_bias
    assert biased is not None
    assert biased.high < 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"code": np.zeros(3)}, "code has shape"),
        ({"cosine": np.zeros((4, 1))}, "cosine has shape"),
        ({"human": np.array([1, 2, np.nan, 4])}, "human contains NaN"),
        ({"estimated_angle": np.zeros(5)}, "estimated_angle has shape"),
    ],
)
def test_wrong_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        similarity(**({"human": np.arange(4.0), "cosine": np.arange(4.0), "code": np.arange(4.0)} | change))


def test_one_pair_is_refused():
    with pytest.raises(ValueError, match="two or more pairs"):
        similarity(np.ones(1), np.ones(1), np.ones(1))
