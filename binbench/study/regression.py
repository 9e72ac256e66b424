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
#: Ridge's penalty for each row of standardized features, fixed beforehand: a few dozen sets tell too little to choose
#: it by, and choosing costs a fifth of the power (in the worlds of tests/study/test_noise.py).
PENALTY = 2.0


def held_out(model: str, x: Array, y: Array, groups: Sequence[Any], first: Array | None = None, seed: int = 0) -> Array:
    """Predictions of `y`, shaped like it, each by a model fitted without the point's own group.

    Args:
        model: one of :data:`MODELS`.
        x: (n, f) features; with f = 0 only `first` predicts.
        y: (n,) shares in [0, 1], or for ridge (n, T) of them; predictions are clipped to that range.
        groups: what is left out together.
        first: (n, b) features that are fitted before, by least squares; the model takes what they leave.
        seed: of the network.
    """
    names, predicted = np.array(groups), np.empty(y.shape)
    design = np.hstack([np.ones((len(y), 1)), *([] if first is None else [first])])
    for name in dict.fromkeys(groups):
        out = names == name
        line = design @ np.linalg.lstsq(design[~out], y[~out], rcond=None)[0]
        predicted[out] = line[out]
        if x.shape[1] and model == "ridge":
            center, scale, weights = ridge(x[~out], (y - line)[~out])
            predicted[out] += (x[out] - center) / scale @ weights
        elif x.shape[1]:
            predicted[out] += _fitted(model, x[~out], (y - line)[~out], seed).predict(x[out])
    return np.clip(predicted, 0, 1)


def ridge(x: Array, y: Array) -> tuple[Array, Array, Array]:
    """Ridge of centered `y` (n,) or (n, T) on standardized `x` (n, f), quick for many targets at once.

    Returns:
        (f,) means and (f,) standard deviations of `x`, and (f,) or (f, T) coefficients.
    """
    center, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1)
    z = (x - center) / scale
    return center, scale, np.linalg.solve(z.T @ z + PENALTY * len(z) * np.eye(x.shape[1]), z.T @ y)


def signs(x: Array, y: Array, clusters: Sequence[str], seed: int = 0, resamples: int = 1000) -> tuple[Array, Array]:
    """(f,) coefficients of :func:`ridge`, and the share of resamples of whole clusters in which each keeps its sign."""
    rows, rng = _rows_by_cluster(clusters), Generator(PCG64(seed))
    weights, kept = ridge(x, y - y.mean())[2], np.zeros(x.shape[1])
    for drawn in rng.integers(len(rows), size=(resamples, len(rows))):
        chosen = np.concatenate([rows[i] for i in drawn])
        kept += np.sign(ridge(x[chosen], y[chosen] - y[chosen].mean())[2]) == np.sign(weights)
    return weights, kept / resamples


def scores(y: Array, predicted: Array, about: Array | None = None) -> dict[str, Any]:
    """R², RMSE, and Spearman's ρ of `predicted` with `y`; NaN where undefined.

    Args:
        y, predicted: (n,), or (R, n) for R figures at once.
        about: the prediction that R² and ρ say something beyond; R² is then 1 − SSE(predicted) / SSE(about), and ρ that
            of the two differences from it. None for the mean of `y`.
    """
    base = y.mean(axis=-1, keepdims=True) if about is None else about
    errors, spread = (np.square(y - other).sum(axis=-1) for other in (predicted, base))
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(spread > 0, 1 - errors / spread, np.nan)
    return {"r2": r2[()], "rmse": np.sqrt(errors / y.shape[-1]), "rho": spearman(y - base, predicted - base)}


def intervals(
    y: Array,
    predicted: Array,
    clusters: Sequence[str],
    seed: int = 0,
    resamples: int = RESAMPLES,
    about: Array | None = None,
) -> dict[str, list[float]]:
    """95 % bootstrap percentiles of :func:`scores`, whole clusters resampled: their rows are not independent.

    NaN where there are fewer than two clusters.
    """
    rows = _rows_by_cluster(clusters)
    found: dict[str, list[Array]] = {"r2": [], "rmse": [], "rho": []}
    if len(rows) < 2 or not resamples:
        return {name: [np.nan, np.nan] for name in found}
    rng = Generator(PCG64(seed))
    # Resamples of one length are scored together.
    drawn: dict[int, list[NDArray[np.int64]]] = {}
    for chosen in rng.integers(len(rows), size=(resamples, len(rows))):
        resample = np.concatenate([rows[i] for i in chosen])
        drawn.setdefault(len(resample), []).append(resample)
    for same in map(np.stack, drawn.values()):
        for name, values in scores(y[same], predicted[same], None if about is None else about[same]).items():
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

    fitted = _fitted(model, x, y, seed)
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


def _fitted(model: str, x: Array, y: Array, seed: int) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso, Ridge
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    estimator: Any
    if model == "ridge":
        estimator = Ridge(PENALTY * len(x))
    elif model == "lasso":
        estimator = Lasso(alpha=0.005, max_iter=50_000)
    else:
        estimator = MLPRegressor(
            hidden_layer_sizes=(8,), activation="tanh", solver="lbfgs", alpha=1.0, max_iter=500, random_state=seed
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return make_pipeline(StandardScaler(), estimator).fit(x, y)
