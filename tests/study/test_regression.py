"""Held-out prediction and the relation to geometry, on planted and on absent effects."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from binbench.study import regression
from binbench.study.experiments.e8 import E8
from binbench.study.geometry import DIAGNOSTICS
from binbench.study.permutations import Orders
from binbench.study.prediction import Point, predict
from binbench.study.shapes import relation

GROUPS = [f"g{i // 4}" for i in range(40)]


@pytest.mark.parametrize("model", regression.MODELS)
def test_a_planted_effect_is_found_and_an_absent_one_is_not(rng: np.random.Generator, model: str) -> None:
    x = rng.standard_normal((40, 3))
    y = 0.5 + 0.1 * x[:, 0]
    found = regression.scores(y, regression.held_out(model, x, y, GROUPS))
    # Ridge's fixed penalty leaves a third of a lone coefficient.
    assert found["r2"] > (0.4 if model == "ridge" else 0.8)
    assert found["rho"] > 0.9
    noise = rng.permutation(y)
    assert regression.scores(noise, regression.held_out(model, x, noise, GROUPS))["r2"] < 0.3


def test_a_point_is_never_predicted_with_its_own_group(rng: np.random.Generator) -> None:
    x, y = rng.standard_normal((40, 2)), rng.random(40)
    before = regression.held_out("ridge", x, y, GROUPS)
    changed = y.copy()
    changed[:4] = rng.random(4)
    after = regression.held_out("ridge", x, changed, GROUPS)
    assert np.array_equal(before[:4], after[:4])
    assert not np.array_equal(before[4:], after[4:])


def test_predictions_are_shares(rng: np.random.Generator) -> None:
    x = np.vstack([rng.standard_normal((36, 1)), np.full((4, 1), 1e4)])
    y = np.clip(0.5 + 0.3 * x[:, 0], 0, 1)
    predicted = regression.held_out("ridge", x, y, GROUPS)
    assert predicted.min() >= 0
    assert predicted.max() <= 1


def test_scores_by_hand_and_by_scipy(rng: np.random.Generator) -> None:
    y, guess = np.array([1.0, 2, 3]), np.array([1.0, 2, 5])
    found = regression.scores(y, guess)
    assert found["r2"] == pytest.approx(1 - 4 / 2)
    assert found["rmse"] == pytest.approx(np.sqrt(4 / 3))
    a, b = rng.integers(5, size=30).astype(float), rng.integers(5, size=30).astype(float)
    assert regression.spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert np.isnan(regression.spearman(a, np.ones(30)))
    assert np.isnan(regression.scores(np.ones(3), guess)["r2"])


def test_intervals_resample_whole_clusters(rng: np.random.Generator) -> None:
    # Rows within a cluster are copies: their number says nothing, so the interval is as wide as that of one row each.
    y, guess = rng.random(10), rng.random(10)
    single = regression.intervals(y, guess, [f"c{i}" for i in range(10)])
    copies = regression.intervals(np.repeat(y, 8), np.repeat(guess, 8), [f"c{i // 8}" for i in range(80)])
    assert copies["rmse"] == pytest.approx(single["rmse"])
    assert np.isnan(regression.intervals(y, guess, ["one"] * 10)["r2"]).all()


def test_importances_name_the_feature_that_matters(rng: np.random.Generator) -> None:
    x = rng.standard_normal((40, 3))
    y = 0.5 + 0.1 * x[:, 1]
    for model in regression.MODELS:
        found = regression.importances(model, x, y, GROUPS)
        assert int(np.argmax([abs(weight) for weight, _, _ in found])) == 1
        assert all(low <= high for _, low, high in found)
    assert regression.importances("ridge", x, y, GROUPS)[1][0] == pytest.approx(0.1 / 3, rel=0.2)


def diagnostics(**given: float) -> dict[str, float | None]:
    return dict.fromkeys(DIAGNOSTICS) | given


def test_the_relation_and_its_p_value_by_enumeration() -> None:
    anisotropy, hubness, recall = [1.0, 2, 3, 5], [4.0, 1, 2, 3], [0.2, 0.3, 0.5, 0.9]
    rows = [diagnostics(anisotropy=a, hubness=h) for a, h in zip(anisotropy, hubness, strict=True)]
    found = relation(rows, recall, ["m"] * 4)
    assert found.strongest == "anisotropy"
    assert found.rho == {"anisotropy": pytest.approx(1), "hubness": pytest.approx(-0.2)}
    largest = [
        max(abs(stats.spearmanr(values, order).statistic) for values in (anisotropy, hubness))
        for order in itertools.permutations(recall)
    ]
    assert found.p_value == pytest.approx(np.mean(np.array(largest) >= 1 - 1e-9))


def test_a_chance_relation_among_many_diagnostics_is_not_significant(rng: np.random.Generator) -> None:
    recalls = rng.random(8).tolist()
    rows = [dict(zip(DIAGNOSTICS, rng.random(len(DIAGNOSTICS)).tolist(), strict=True)) for _ in recalls]
    found = relation(rows, recalls, ["m"] * 8)
    assert found.strongest is not None
    assert found.p_value is not None
    assert abs(found.rho[found.strongest]) > 0.5
    assert found.p_value > 0.05
    assert relation(rows, recalls, ["m"] * 8) == found


def test_recalls_are_permuted_within_encoders_only() -> None:
    # Geometry tells the encoders apart, and recall, but nothing within an encoder: the 36 orders all have the same ρ.
    x, encoders = [1.0, 1, 1, 2, 2, 2], ["m"] * 3 + ["n"] * 3
    between = relation([diagnostics(hubness=value) for value in x], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9], encoders)
    assert between.rho["hubness"] > 0.8
    assert between.p_value == 1
    # Every set in its rank, within and between: the one order of 36 that has ρ = 1.
    x = [1.0, 2, 3, 4, 5, 6]
    within = relation([diagnostics(hubness=value) for value in x], [0.1, 0.2, 0.3, 0.7, 0.8, 0.9], encoders)
    assert within.p_value == within.least_p == pytest.approx(1 / 36)


@pytest.mark.parametrize(
    ("counts", "attainable"), [((4,), False), ((5,), True), ((2, 2), False), ((3, 3), True), ((2, 2, 2, 2), False)]
)
def test_the_least_p_is_that_of_the_closest_relation(counts: tuple[int, ...], attainable: bool) -> None:
    encoders = [f"e{i}" for i, n in enumerate(counts) for _ in range(n)]
    ranks = [float(i) for i in range(len(encoders))]
    found = relation([diagnostics(hubness=rank) for rank in ranks], ranks, encoders)
    assert found.p_value == pytest.approx(found.least_p)
    assert found.p_value is not None
    assert (found.p_value < 0.05) == attainable


def test_orders_are_all_or_a_sample_and_stay_within_their_group() -> None:
    every = Orders.within(["a", "b", "a", "b", "b"])
    assert sorted(map(tuple, every.rows.tolist())) == sorted(
        (a, b, c, d, e) for a, c in ((0, 2), (2, 0)) for b, d, e in itertools.permutations((1, 3, 4))
    )
    some = Orders.within(["a"] * 8 + ["b"])
    assert (some.rows.shape, some.possible) == ((5000, 9), 40320)
    assert (some.rows[:, 8] == 8).all()
    # None as large: the observed order still counts itself.
    assert some.p_value(1.0, np.zeros(5000)) == pytest.approx(1 / 5001)
    assert every.p_value(1.0, np.eye(12)[0]) == pytest.approx(1 / 12)


@pytest.mark.parametrize("n", [0, 2])
def test_two_sets_have_no_relation(n: int) -> None:
    found = relation([diagnostics(anisotropy=float(i)) for i in range(n)], [0.1 * i for i in range(n)], ["m"] * n)
    assert found.strongest is None


def points(sets: int, encoders: int, effect: float, rng: np.random.Generator) -> list[Point]:
    found = []
    for i in range(sets):
        shape = rng.random()
        for bits in (64, 128, 256, 512):
            found.append(
                Point(
                    set=f"s{i}",
                    dataset="a",
                    encoder=f"e{i % encoders}",
                    tier=1,
                    counted=True,
                    bits=bits,
                    recall=0.1 * np.log2(bits / 32) + effect * shape,
                    diagnostics=diagnostics(anisotropy=shape),
                )
            )
    return found


def test_e8_tells_geometry_from_bits(rng: np.random.Generator) -> None:
    found = predict(points(8, 2, 0.5, rng), models=("ridge", "lasso"))
    fits = {(fit.folds, fit.features): fit for fit in found.fits if fit.model == "ridge"}
    r2 = {key: fit.r2.value for key, fit in fits.items() if fit.r2}
    for folds in ("leave-one-set-out", "leave-one-model-out"):
        assert r2[folds, "added by geometry"] > 0.3
        assert r2[folds, "geometry at 256 bits"] > 0.3
        assert r2[folds, "geometry + bits"] > r2[folds, "bits alone"]
    assert [fit.features for fit in found.decisive] == [
        "added by geometry",
        "geometry at 256 bits",
        "geometry at 512 bits",
    ]
    assert {fit.n for fit in found.decisive[1:]} == {8}
    assert found.r2 == min(fit.r2.value for fit in found.decisive if fit.r2)
    assert found.rho == min(fit.rho.value for fit in found.decisive if fit.rho)
    assert {fit.model for fit in found.fits if fit.folds == "leave-one-out"} == {"ridge", "lasso"}
    # 2 × 4! orders of sets; the true one is the best, or nearly.
    assert all(fit.p_value is not None and 1 / 576 <= fit.p_value < 0.05 for fit in found.decisive)
    # Bits say the same of every set, however these are permuted.
    assert fits["leave-one-set-out", "bits alone"].p_value == 1


def test_what_geometry_adds_by_hand() -> None:
    # Bits alone predict .5 everywhere; geometry corrects half of every error.
    y, alone, both = np.array([0.4, 0.6, 0.3]), np.full(3, 0.5), np.array([0.45, 0.55, 0.4])
    found = regression.scores(y, both, alone)
    assert found["r2"] == pytest.approx(1 - 0.25)
    assert found["rho"] == pytest.approx(1)
    # Rank correlations of the predictions themselves say nothing where what is predicted differs by length.
    assert regression.scores(y, 2 * alone - both, alone)["rho"] == pytest.approx(-1)


def test_the_length_is_fitted_first_and_held_out(rng: np.random.Generator) -> None:
    bits = np.log2(np.tile([64.0, 128, 256, 512], 10))[:, None]
    y = 0.1 * bits[:, 0] + 0.01 * rng.standard_normal(40)
    predicted = regression.held_out("ridge", np.empty((40, 0)), y, GROUPS, bits)
    line = stats.linregress(bits[4:, 0], y[4:])
    assert predicted[:4] == pytest.approx(line.intercept + line.slope * bits[:4, 0])
    many = regression.held_out("ridge", rng.random((40, 3)), np.stack([y, y[::-1]], axis=1), GROUPS, bits)
    assert many.shape == (40, 2)


@pytest.mark.parametrize(("sets", "encoders"), [(3, 2), (6, 1), (0, 1)])
def test_e8_says_what_is_missing(rng: np.random.Generator, sets: int, encoders: int) -> None:
    found = predict(points(sets, encoders, 0.5, rng))
    assert (found.decisive, found.r2, found.rho) == ([], None, None)
    assert "needs at least 4 sets and 2 embedding models" in found.why_not
    assert E8().judge(found).color == "not applicable"
    assert E8().tables(found) == []
