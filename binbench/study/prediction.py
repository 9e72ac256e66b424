"""What geometry adds to the number of bits in predicting recall@10 on sets, and of models, that were not seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from binbench.study import regression
from binbench.study.permutations import Orders
from binbench.study.rows import Estimate, SetRow, counting
from binbench.study.shapes import common
from binbench.study.thresholds import LONG_BITS, MIN_ENCODERS, MIN_SETS

BITS = "log2 bits"
#: Bits alone explain recall, and geometry with bits as well: only what geometry *adds*, and geometry alone where the
#: length is fixed, say something about geometry.
BOTH, ALONE, ADDED = "geometry + bits", "bits alone", "added by geometry"
FIXED = tuple(f"geometry at {bits} bits" for bits in LONG_BITS)
#: What is left out together. Rows of one set share its geometry: plain leave-one-out is shown and decides nothing.
SETS_OUT, MODELS_OUT, ROWS_OUT = "leave-one-set-out", "leave-one-model-out", "leave-one-out"
#: The band and F3 rest on these, by ridge and with whole sets left out, so that the best of many fits is not picked.
DECISIVE = (ADDED, *FIXED)
PERMUTATIONS = 999


@dataclass(frozen=True, kw_only=True)
class Point(SetRow):
    """What is known of a code on a set, and its recall@10, which is to be predicted."""

    bits: int
    recall: float
    diagnostics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well `model` predicts from `features` what was left out in `folds`, over `n` points.

    Attributes:
        r2, rho: of :data:`ADDED` the share of the squared error of bits alone that geometry removes, and Spearman's ρ
            of what it adds with what bits leave; of other features the usual ones.
        p_value: of R², when the recalls of whole sets are permuted among those of one encoder and the same lengths.
    """

    model: str
    features: str
    folds: str
    n: int
    r2: Estimate | None
    rmse: Estimate | None
    rho: Estimate | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Every fit over so many rows of so many sets and encoders; none, and why not, where these are too few.

    Attributes:
        importances: feature → model → what it weighs there.
        points: set → recall@10 and its prediction by geometry and bits, sets left out, for every row.
    """

    rows: int
    sets: int
    encoders: int
    fits: tuple[Fit, ...] = ()
    importances: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    points: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    why_not: str = ""

    def fit(self, features: str, folds: str, model: str = "ridge") -> Fit | None:
        """The fit of that kind."""
        same = (fit for fit in self.fits if (fit.model, fit.features, fit.folds) == (model, features, folds))
        return next(same, None)

    @property
    def decisive(self) -> list[Fit]:
        """What the band and F3 rest on; empty where one of them is missing."""
        found = [fit for features in DECISIVE if (fit := self.fit(features, SETS_OUT))]
        return found if len(found) == len(DECISIVE) else []

    @property
    def r2(self) -> float | None:
        """The lowest of the decisive R²: geometry is credited with what holds in all of them."""
        return _lowest(fit.r2 for fit in self.decisive)

    @property
    def rho(self) -> float | None:
        """The lowest of the decisive ρ, with its sign: predictions without signal correlate negatively."""
        return _lowest(fit.rho for fit in self.decisive)


def fitted(
    points: Sequence[Point],
    features: str,
    folds: str = SETS_OUT,
    model: str = "ridge",
    *,
    seed: int = 0,
    resamples: int = regression.RESAMPLES,
    permutations: int = PERMUTATIONS,
) -> tuple[Fit, regression.Array]:
    """The fit of `model` on `points`, and its held-out predictions; see :class:`Fit`."""
    length = dict(zip(FIXED, LONG_BITS, strict=True)).get(features)
    rows = [point for point in points if length in (None, point.bits)]
    _, x = shapes(rows)
    y, bits = np.array([point.recall for point in rows]), np.log2([[point.bits] for point in rows])
    sets = [point.set for point in rows]
    groups = {SETS_OUT: sets, MODELS_OUT: [point.encoder for point in rows], ROWS_OUT: range(len(rows))}[folds]
    first, x = None if length else bits, x[:, :0] if features == ALONE else x

    def held_out(y: regression.Array, x: regression.Array = x) -> regression.Array:
        return regression.held_out(model, x, y.T, groups, first, seed).T

    def about(y: regression.Array) -> regression.Array | None:
        return held_out(y, x[:, :0]) if features == ADDED else None

    predicted = held_out(y)
    found = regression.scores(y, predicted, about(y))
    limits = regression.intervals(y, predicted, sets, seed, resamples, about(y))
    scores = {name: Estimate.of([value, *limits[name]]) for name, value in found.items()}
    p_value = None
    if permutations and not np.isnan(found["r2"]):
        orders, permuted = _permuted(rows, permutations)
        again = held_out(y[permuted]) if model == "ridge" else predicted
        p_value = orders.p_value(found["r2"], regression.scores(y[permuted], again, about(y[permuted]))["r2"])
    return Fit(model=model, features=features, folds=folds, n=len(y), p_value=p_value, **scores), predicted


def shapes(points: Sequence[Point]) -> tuple[list[str], regression.Array]:
    """The diagnostics that all `points` have, and (n, f) their values."""
    names = common([point.diagnostics for point in points])
    return names, np.array([[point.diagnostics[name] for name in names] for point in points], dtype=float)


def available(points: Sequence[Point]) -> list[str]:
    """Those of :data:`DECISIVE` that `points` have the lengths for."""
    lengths = {point.bits for point in points}
    return [ADDED, *(name for name, bits in zip(FIXED, LONG_BITS, strict=True) if bits in lengths)]


def counted(points: Sequence[Point]) -> Predictions:
    """No fits yet: how many rows, sets and models there are, and whether they are too few."""
    sets, encoders = len({point.set for point in points}), len({point.encoder for point in points})
    too_few = sets < MIN_SETS or encoders < MIN_ENCODERS
    needs = f"needs at least {MIN_SETS} sets and {MIN_ENCODERS} embedding models"
    why = f"{needs}; there are {sets} sets and {encoders} models" if too_few else ""
    return Predictions(rows=len(points), sets=sets, encoders=encoders, why_not=why)


def predict(points: Sequence[Point], seed: int = 0, models: Sequence[str] = regression.MODELS) -> Predictions:
    """Every fit, with intervals over resampled sets."""
    points = counting(points)
    found = counted(points)
    if found.why_not:
        return found
    wanted = [*available(points), ALONE]
    made = [fitted(points, features, folds, seed=seed)[0] for folds in (SETS_OUT, MODELS_OUT) for features in wanted]
    held = {
        (model, folds): fitted(points, BOTH, folds, model, seed=seed)
        for folds in (SETS_OUT, MODELS_OUT, ROWS_OUT)
        for model in models
    }
    predicted = held[models[0], SETS_OUT][1]
    names, x = shapes(points)
    sets, y = [point.set for point in points], np.array([point.recall for point in points])
    both = np.hstack([np.log2([[point.bits] for point in points]), x])
    weights = {model: regression.importances(model, both, y, sets, seed) for model in models}
    return replace(
        found,
        fits=(*made, *(fit for fit, _ in held.values())),
        importances={
            feature: {model: Estimate(*own[i]) for model, own in weights.items()}
            for i, feature in enumerate([BITS, *names])
        },
        points={
            name: tuple((float(y[i]), float(predicted[i])) for i, own in enumerate(sets) if own == name)
            for name in dict.fromkeys(sets)
        },
    )


def _permuted(rows: Sequence[Point], at_most: int) -> tuple[Orders, NDArray[np.int64]]:
    """Orders of the sets, and with them (P, n) orders of their rows: a set takes those of another, length by length."""
    own: dict[str, list[int]] = {}
    for i in sorted(range(len(rows)), key=lambda i: rows[i].bits):
        own.setdefault(rows[i].set, []).append(i)
    blocks = list(own.values())
    alike = [str((rows[block[0]].encoder, [rows[i].bits for i in block])) for block in blocks]
    orders = Orders.within(alike, at_most)
    permuted = np.empty((len(orders.rows), len(rows)), np.int64)
    for order, chosen in zip(permuted, orders.rows, strict=True):
        order[np.concatenate(blocks)] = np.concatenate([blocks[i] for i in chosen])
    return orders, permuted


def _lowest(found: Iterable[Estimate | None]) -> float | None:
    values = [None if one is None else one.value for one in found]
    known = [value for value in values if value is not None]
    return min(known) if known and len(known) == len(values) else None
