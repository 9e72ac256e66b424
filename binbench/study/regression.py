"""Predicting a figure of sets that were left out: ridge, lasso and a small network, with honest intervals."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.measures.correlation import spearman

Array = NDArray[np.float64]

MODELS = ("ridge", "lasso", "mlp")
RESAMPLES = 2000
COEFFICIENT_RESAMPLES = 100
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def held_out(model: str, x: Array, y: Array, groups: Sequence[str], clusters: Sequence[str], seed: int = 0) -> Array:
    """(n,) predictions of `y` from `x` (n, f), each by a model fitted without the point's own group.

    Args:
        model: one of :data:`MODELS`.
        x, y: features and shares in [0, 1]; predictions are clipped to that range.
        groups: what is left out together.
        clusters: rows that are not independent of each other; penalties are chosen by leaving these out in turn.
        seed: of the network.
    """
    names, own = np.asarray(groups), np.asarray(clusters)
    predicted = np.full(len(y), np.nan)
    for name in dict.fromkeys(groups):
        out = names == name
        predicted[out] = _fitted(model, x[~out], y[~out], own[~out], seed).predict(x[out])
    return np.clip(predicted, 0, 1)


def scores(y: Array, predicted: Array) -> dict[str, Any]:
    """R² about the mean of `y`, RMSE, and Spearman's ρ of `predicted` with `y`; NaN where undefined.

    Args:
        y, predicted: (n,), or (R, n) for R figures at once.
    """
    errors = np.square(y - predicted).sum(axis=-1)
    spread = np.square(y - y.mean(axis=-1, keepdims=True)).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(spread > 0, 1 - errors / spread, np.nan)
    return {"r2": r2[()], "rmse": np.sqrt(errors / y.shape[-1]), "rho": spearman(y, predicted)}


def intervals(
    y: Array, predicted: Array, clusters: Sequence[str], seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, list[float]]:
    """95 % bootstrap percentiles of :func:`scores`, whole clusters resampled: their rows are not independent.

    NaN where there are fewer than two clusters.
    """
    rows = _rows_by_cluster(clusters)
    found: dict[str, list[Array]] = {"r2": [], "rmse": [], "rho": []}
    if len(rows) < 2:
        return {name: [np.nan, np.nan] for name in found}
    rng = Generator(PCG64(seed))
    # Resamples of one length are scored together.
    drawn: dict[int, list[NDArray[np.int64]]] = {}
    for chosen in rng.integers(len(rows), size=(resamples, len(rows))):
        resample = np.concatenate([rows[i] for i in chosen])
        drawn.setdefault(len(resample), []).append(resample)
    for same in map(np.stack, drawn.values()):
        for name, values in scores(y[same], predicted[same]).items():
            found[name].append(values)
    return {name: np.nanpercentile(np.concatenate(values), [2.5, 97.5]).tolist() for name, values in found.items()}


def importances(
    model: str, x: Array, y: Array, clusters: Sequence[str], seed: int = 0
) -> list[tuple[float, float, float]]:
    """What each feature of `x` (n, f) weighs in a model of all points, with 95 % limits.

    Ridge and lasso: coefficients of standardized features, limits over resampled clusters. The network: the loss of R²
    when the feature is permuted, limits over 20 permutations.
    """
    from sklearn.base import clone

    fitted = _fitted(model, x, y, np.asarray(clusters), seed)
    if model == "mlp":
        from sklearn.inspection import permutation_importance

        lost = permutation_importance(fitted, x, y, n_repeats=20, random_state=seed).importances
        return [(float(row.mean()), *np.percentile(row, [2.5, 97.5]).tolist()) for row in lost]
    rows, rng = _rows_by_cluster(clusters), Generator(PCG64(seed))
    drawn = []
    for _ in range(COEFFICIENT_RESAMPLES):
        chosen = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        drawn.append(clone(fitted).fit(x[chosen], y[chosen])[-1].coef_)
    limits = np.percentile(drawn, [2.5, 97.5], axis=0)
    return [
        (float(weight), float(low), float(high)) for weight, low, high in zip(fitted[-1].coef_, *limits, strict=True)
    ]


def _rows_by_cluster(clusters: Sequence[str]) -> list[NDArray[np.int64]]:
    names = np.asarray(clusters)
    return [np.flatnonzero(names == name) for name in dict.fromkeys(clusters)]


def _fitted(model: str, x: Array, y: Array, clusters: NDArray[Any], seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso, Ridge
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator: Any
    if model == "ridge":
        estimator = Ridge(_penalty(x, y, clusters))
    elif model == "lasso":
        estimator = Lasso(alpha=0.005, max_iter=50_000)
    else:
        estimator = MLPRegressor(
            hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=500, random_state=seed
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(StandardScaler(), estimator).fit(x, y)


def _penalty(x: Array, y: Array, clusters: NDArray[Any]) -> float:
    """Ridge's penalty with the least squared error over clusters left out in turn; the largest where there is one."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names = np.unique(clusters)
    if len(names) < 2:
        return PENALTIES[-1]

    errors = np.zeros(len(PENALTIES))
    for name in names:
        out = clusters == name
        # One target per penalty: ridge then fits them all at once.
        targets = np.tile(y[~out, None], len(PENALTIES))
        fitted = make_pipeline(StandardScaler(), Ridge(np.array(PENALTIES))).fit(x[~out], targets)
        errors += np.square(y[out, None] - np.clip(fitted.predict(x[out]), 0, 1)).sum(axis=0)
    return PENALTIES[int(errors.argmin())]
