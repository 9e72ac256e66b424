"""Does geometry, with the number of bits, predict recall@10 on sets, and of models, that were not seen?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from binbench.study import regression
from binbench.study.rows import Estimate, SetRow
from binbench.study.shapes import common
from binbench.study.thresholds import MIN_ENCODERS, MIN_SETS

BITS = "log2 bits"
BOTH, ALONE = "geometry + bits", "bits alone"
#: What is left out together. Rows of one set share its geometry, so a single row is never left out alone.
SETS_OUT, MODELS_OUT = "leave-one-set-out", "leave-one-model-out"
FOLDS = (SETS_OUT, MODELS_OUT)
#: The band and F3 rest on this model under these folds, so that the best of many fits is not picked.
DECISIVE = ("ridge", SETS_OUT)


@dataclass(frozen=True, kw_only=True)
class Point(SetRow):
    """What is known of a code on a set, and its recall@10, which is to be predicted."""

    bits: int
    recall: float
    diagnostics: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well `model` predicts from `features` what was left out in `folds`, over `n` points."""

    model: str
    features: str
    folds: str
    n: int
    r2: Estimate | None
    rmse: Estimate | None
    rho: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """Every fit over so many rows of so many sets and encoders; none, and why not, where these are too few.

    Attributes:
        importances: feature → model → what it weighs there.
        points: set → recall@10 and its prediction by the decisive fit, for every row.
    """

    rows: int
    sets: int
    encoders: int
    fits: tuple[Fit, ...] = ()
    importances: Mapping[str, Mapping[str, Estimate]] = field(default_factory=dict)
    points: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    why_not: str = ""

    def fit(self, features: str, folds: str, model: str = DECISIVE[0]) -> Fit | None:
        """The fit of that kind."""
        same = (fit for fit in self.fits if (fit.model, fit.features, fit.folds) == (model, features, folds))
        return next(same, None)

    @property
    def decisive(self) -> Fit | None:
        """What the band and F3 rest on."""
        return self.fit(BOTH, DECISIVE[1])


def predict(points: Sequence[Point], seed: int = 0) -> Predictions:
    """Every model under every fold, with and without geometry."""
    clusters = [point.set for point in points]
    encoders = [point.encoder for point in points]
    counted = Predictions(rows=len(points), sets=len(set(clusters)), encoders=len(set(encoders)))
    if counted.sets < MIN_SETS or counted.encoders < MIN_ENCODERS:
        needs = f"needs at least {MIN_SETS} sets and {MIN_ENCODERS} encoders"
        why = f"{needs}; there are {counted.sets} sets and {counted.encoders} encoders"
        return replace(counted, why_not=why)
    names = common([point.diagnostics for point in points])
    bits = np.log2([[point.bits] for point in points])
    shapes = np.array([[point.diagnostics[name] for name in names] for point in points], dtype=float)
    both, y = np.hstack([bits, shapes]), np.array([point.recall for point in points])
    fits, held_out = [], []
    for folds, groups in zip(FOLDS, (clusters, encoders), strict=True):
        for model, features, x in [*((model, BOTH, both) for model in regression.MODELS), ("ridge", ALONE, bits)]:
            predicted = regression.held_out(model, x, y, groups, clusters, seed)
            limits = regression.intervals(y, predicted, clusters, seed)
            found = regression.scores(y, predicted)
            scores = {name: Estimate.of([value, *limits[name]]) for name, value in found.items()}
            fits.append(Fit(model=model, features=features, folds=folds, n=len(y), **scores))
            if (model, folds, features) == (*DECISIVE, BOTH):
                held_out = predicted.tolist()
    weights = {model: regression.importances(model, both, y, clusters, seed) for model in regression.MODELS}
    return replace(
        counted,
        fits=tuple(fits),
        importances={
            feature: {model: Estimate(*found[i]) for model, found in weights.items()}
            for i, feature in enumerate([BITS, *names])
        },
        points={
            name: tuple((float(y[i]), held_out[i]) for i, own in enumerate(clusters) if own == name)
            for name in dict.fromkeys(clusters)
        },
    )
