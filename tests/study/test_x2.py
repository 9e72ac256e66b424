"""X2: its bands, and whether it finds the diagnostic that was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from study.made_up import predictions

from binbench.study.experiments import x2
from binbench.study.experiments.x2 import INDEX, X2, Coefficient, GeometryPredicts, explore
from binbench.study.geometry import DIAGNOSTICS
from binbench.study.prediction import DECISIVE, Point, counted, fitted
from binbench.study.rows import Estimate

CLEAR = Coefficient(diagnostic="anisotropy", weight=-0.05, same_sign=0.95)


@pytest.mark.parametrize(
    ("r2", "rho", "coefficient", "color"),
    [
        (0.31, 0.51, CLEAR, "green"),
        (0.31, 0.51, Coefficient(diagnostic="anisotropy", weight=-0.05, same_sign=0.94), "not applicable"),
        (0.31, 0.51, Coefficient(diagnostic="anisotropy", weight=0.05, same_sign=1.0), "not applicable"),
        (0.31, 0.51, Coefficient(diagnostic="twonn", weight=0.05, same_sign=1.0), "not applicable"),
        (0.31, 0.5, CLEAR, "not applicable"),
        (0.1, 0.9, CLEAR, "yellow"),
        (0.3, 0.9, CLEAR, "yellow"),
        (0.09, 0.9, CLEAR, "red"),
        (0.05, 0.1, CLEAR, "red"),
        (0.04, 0.1, CLEAR, "red"),
        (None, None, CLEAR, "not applicable"),
    ],
)
def test_bands(r2: float | None, rho: float | None, coefficient: Coefficient, color: str) -> None:
    figures = GeometryPredicts(first=predictions(r2, rho), coefficients=(coefficient,))
    found = X2().judge(figures)
    assert found.color == color
    assert found.reasons[0].startswith("K3") == (r2 == 0.04)
    assert ("no usable signal" in found.reasons[0]) == (r2 in (0.05, 0.09))


def test_only_the_lowest_of_what_decides_counts() -> None:
    found = predictions(0.4, 0.6)
    weak = tuple(
        replace(fit, r2=Estimate(0.02, None, None)) if fit.features == DECISIVE[2] else fit for fit in found.fits
    )
    assert GeometryPredicts(first=replace(found, fits=weak)).r2 == 0.02


def world(effect: float, seed: int = 0) -> list[Point]:
    """12 sets of 3 encoders; with an effect, recall falls as anisotropy rises."""
    rng = np.random.Generator(np.random.PCG64(seed))
    found = []
    for i in range(12):
        shape = rng.random(2)
        own = {"anisotropy": shape[0], "hubness": shape[1]}
        found += [
            Point(
                set=f"s{i}",
                dataset=f"d{i // 3}",
                encoder=f"e{i % 3}",
                tier=1,
                counted=True,
                bits=bits,
                recall=0.1 * np.log2(bits / 32) - effect * shape[0] + 0.01 * rng.standard_normal(),
                diagnostics=dict.fromkeys(DIAGNOSTICS) | own,
            )
            for bits in (64, 256, 512)
        ]
    return found


def explored(
    points: list[Point], monkeypatch: pytest.MonkeyPatch, index: dict[str, float] | None = None
) -> GeometryPredicts:
    monkeypatch.setattr(x2.regression, "MODELS", ("ridge", "lasso"))
    first = [fitted(points, features)[0] for features in DECISIVE]
    return explore(replace(counted(points), fits=tuple(first)), points, index or {})


def test_a_planted_diagnostic_is_found_and_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    found = explored(world(0.3), monkeypatch)
    strongest = found.coefficients[0]
    assert (strongest.diagnostic, strongest.interpretable) == ("anisotropy", True)
    assert strongest.weight < 0
    assert [(fit.features, fit.model) for fit in found.further] == [(features, "lasso") for features in DECISIVE]
    assert X2().judge(found).color in ("green", "yellow")
    assert len(X2().tables(found)) == 2


def test_the_index_is_a_target_too_where_geometry_tells_something(monkeypatch: pytest.MonkeyPatch) -> None:
    points = world(0.3)
    index = {point.set: 0.9 - 0.5 * (point.diagnostics["anisotropy"] or 0) for point in points}
    found = [fit for fit in explored(points, monkeypatch, index).further if fit.features == INDEX]
    assert [(fit.model, fit.n) for fit in found] == [("ridge", 12), ("lasso", 12)]
    # The index is a line in one diagnostic without noise; noise in its place is not predicted.
    assert all(fit.rho is not None and fit.rho.value > 0.8 for fit in found), found
    rng = np.random.Generator(np.random.PCG64(3))
    noise = explored(points, monkeypatch, {name: float(rng.random()) for name in index})
    assert all(fit.r2 is None or fit.r2.value < 0.3 for fit in noise.further if fit.features == INDEX)


def test_noise_stops_after_the_first_ridge(monkeypatch: pytest.MonkeyPatch) -> None:
    found = explored(world(0.0), monkeypatch)
    assert found.r2 is not None
    assert found.r2 < 0.05
    assert found.further == ()
    assert X2().judge(found).reasons[0].startswith("K3")
