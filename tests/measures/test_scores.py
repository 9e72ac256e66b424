import numpy as np
import pytest
from numpy.random import PCG64, Generator
from scipy.stats import spearmanr

from binbench.measures.scores import rank_correlation, relative_score_error

TRUE = Generator(PCG64(0)).uniform(0.3, 0.9, size=(5, 20))


def test_error_by_hand():
    # Least squares through (0, 1), (1, 2), (2, 6): slope 5/2, mean 3; fits 0.5, 3, 5.5.
    found = relative_score_error(np.array([[1.0, 2.0, 6.0]]), np.array([[0.0, 1.0, 2.0]]))
    assert found == pytest.approx([(0.5 + 1 + 0.5) / 9])


def test_one_map_serves_the_whole_run():
    # Within each query the scores are perfect, but the second query's are shifted against the first's.
    true = np.array([[0.1, 0.2], [0.1, 0.2]])
    shifted = true + np.array([[0.0], [1.0]])
    assert (relative_score_error(true, shifted) > 0.1).all()


@pytest.mark.parametrize(("scale", "offset"), [(1, 0), (64, -3), (0.01, 100)])
def test_scale_and_offset_do_not_matter(scale, offset):
    np.testing.assert_allclose(relative_score_error(TRUE, scale * TRUE + offset), 0, atol=1e-9)
    noisy = TRUE + Generator(PCG64(1)).normal(0, 0.1, TRUE.shape)
    np.testing.assert_allclose(relative_score_error(TRUE, scale * noisy + offset), relative_score_error(TRUE, noisy))


def test_error_of_constant_scores_is_that_of_the_mean():
    true = np.array([[1.0, 3.0]])
    assert relative_score_error(true, np.full((1, 2), 7.0)) == pytest.approx([2 / 4])


def test_padding_is_left_out():
    true = np.append(TRUE, np.full((5, 2), -np.inf), axis=1)
    scores = np.append(TRUE**3, np.full((5, 2), -np.inf), axis=1)
    np.testing.assert_allclose(relative_score_error(true, scores), relative_score_error(TRUE, TRUE**3))
    np.testing.assert_allclose(rank_correlation(true, -scores), -1)
    empty = np.full((2, 3), -np.inf)
    assert np.isnan(relative_score_error(empty, empty)).all()
    assert np.isnan(rank_correlation(empty, empty)).all()


def test_rank_correlation_agrees_with_scipy():
    scores = np.round(TRUE + Generator(PCG64(2)).normal(0, 0.2, TRUE.shape), 1)
    expected = [spearmanr(t, s).statistic for t, s in zip(TRUE, scores, strict=True)]
    np.testing.assert_allclose(rank_correlation(TRUE, scores), expected)
    scores[0, 3] = np.nan
    assert rank_correlation(TRUE, scores)[0] == pytest.approx(
        spearmanr(np.delete(TRUE[0], 3), np.delete(scores[0], 3)).statistic
    )


def test_rank_correlation_of_constant_scores_is_undefined():
    assert np.isnan(rank_correlation(TRUE[:1], np.ones((1, 20)))).all()
    assert np.isnan(rank_correlation(np.array([[0.5]]), np.array([[0.5]]))).all()


def test_unequal_shapes_are_refused():
    with pytest.raises(ValueError, match="not two equal"):
        relative_score_error(TRUE, TRUE[:, :3])
