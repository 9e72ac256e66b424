"""How often E8 and F3 are wrong: worlds in which geometry says nothing, and worlds in which it says half."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from binbench.study.experiments.e8 import E8
from binbench.study.geometry import DIAGNOSTICS
from binbench.study.prediction import DECISIVE, Point, Predictions, counted, fitted
from binbench.study.switches import f3

#: The recalls of the world in which E8 was once always green, and how far sets are from them.
RECALLS = {64: 0.25, 128: 0.38, 256: 0.52, 512: 0.65}
SPREAD, NOISE = 0.02, 0.005
WORLDS = 100


def world(effect: float, seed: int, encoders: int = 4, datasets: int = 6) -> Predictions:
    """24 sets whose recalls differ by a set's own amount, of whose variance geometry explains the share `effect`.

    Diagnostics share one factor, as they do on real sets: it holds 72 % of their variance on seven of them.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    sets = [(f"d{d}", f"e{e}") for d in range(datasets) for e in range(encoders)]
    factor, loadings = rng.standard_normal(len(sets)), rng.standard_normal(len(DIAGNOSTICS))
    geometry = factor[:, None] * loadings + 0.5 * rng.standard_normal((len(sets), len(DIAGNOSTICS)))
    other = rng.standard_normal(len(sets))
    own = SPREAD * (np.sqrt(effect) * stats.zscore(factor) + np.sqrt(1 - effect) * stats.zscore(other))
    points = [
        Point(
            set=f"{dataset}-{encoder}",
            dataset=dataset,
            encoder=encoder,
            tier=1,
            counted=True,
            bits=bits,
            recall=recall + own[i] + NOISE * rng.standard_normal(),
            diagnostics=dict(zip(DIAGNOSTICS, geometry[i].tolist(), strict=True)),
        )
        for i, (dataset, encoder) in enumerate(sets)
        for bits, recall in RECALLS.items()
    ]
    fits = (fitted(points, features, resamples=0, permutations=0)[0] for features in DECISIVE)
    return replace(counted(points), fits=tuple(fits))


@pytest.fixture(scope="module")
def noise() -> list[Predictions]:
    return [world(0.0, seed) for seed in range(WORLDS)]


@pytest.fixture(scope="module")
def effect() -> list[Predictions]:
    return [world(0.5, 1000 + seed) for seed in range(WORLDS)]


def test_noise_triggers_f3_and_is_not_green(noise: list[Predictions]) -> None:
    assert sum(f3(found).state == "triggered" for found in noise) >= 85
    assert sum(E8().judge(found).color == "green" for found in noise) <= 5


def test_an_effect_is_green_or_yellow(effect: list[Predictions]) -> None:
    assert sum(E8().judge(found).color in ("green", "yellow") for found in effect) >= 80


def test_predictions_without_signal_correlate_negatively(noise: list[Predictions]) -> None:
    # Why ρ keeps its sign: without it F3 would miss most of these worlds.
    rhos = [found.rho for found in noise if found.rho is not None]
    assert len(rhos) == WORLDS
    assert np.median(rhos) < -0.1
