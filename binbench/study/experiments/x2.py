"""X2: does geometry predict recall@10 beyond what the code's length tells, and by coefficients that make sense?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from binbench.records.typed import adapter
from binbench.report.render import Table
from binbench.study import regression
from binbench.study.experiment import Band, Experiment, experiment, figures_of
from binbench.study.experiments.e8 import E8, points_of, said
from binbench.study.experiments.x1 import X1
from binbench.study.prediction import FIXED, SETS_OUT, Fit, Point, Predictions, available, fitted, shapes
from binbench.study.rows import counting
from binbench.study.switches import k3
from binbench.study.tables import estimate, listing, number
from binbench.study.thresholds import GREEN_R2, GREEN_RHO, LONG_BITS, MIN_SETS, SAME_SIGN, YELLOW_R2

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Raised when a fit changes.
SCHEMA = 2
#: What else is predicted: X1's index of a set, which has no length.
INDEX = "geometry → index of X1"
#: Whether recall should rise (+1) or fall (-1) with a diagnostic: what is lopsided or gathers in few directions loses.
THEORY = {
    "anisotropy": -1,
    "outlier_fraction": -1,
    "cosine_mean": -1,
    "bit_imbalance": -1,
    "median_offset": -1,
    "variance_spread": -1,
    "hubness": -1,
    "isoscore": 1,
    "participation_ratio": 1,
}


@dataclass(frozen=True, kw_only=True)
class Coefficient:
    """What a standardized diagnostic weighs in recall@10 at 256 bits, and the share of resamples with the same sign."""

    diagnostic: str
    weight: float
    same_sign: float

    @property
    def interpretable(self) -> bool:
        """Whether it keeps its sign in nearly all resamples of whole sets, and theory gives it that sign."""
        return self.same_sign >= SAME_SIGN and np.sign(self.weight) == THEORY.get(self.diagnostic, 0)


@dataclass(frozen=True, kw_only=True)
class GeometryPredicts:
    """What geometry adds: ridge first; other models and X1's index as a target where K3 does not stop them.

    Attributes:
        coefficients: of ridge at 256 bits, the largest first.
    """

    first: Predictions
    further: tuple[Fit, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()

    @property
    def r2(self) -> float | None:
        """The lowest R² of the first ridge, over what geometry adds to bits and tells at either fixed length."""
        return self.first.r2

    @property
    def rho(self) -> float | None:
        """The lowest ρ, with its sign."""
        return self.first.rho


@experiment
class X2(Experiment[GeometryPredicts]):
    """Is geometry a predictor worth building on?"""

    id = "x2"
    title = "Geometry predictors: what geometry adds to the number of bits"
    needs = (E8.id, X1.id)
    figures = GeometryPredicts

    def measure(self, study: Study) -> GeometryPredicts:
        first = figures_of(E8, study)
        if first.r2 is None:
            return GeometryPredicts(first=first)
        points = counting(points_of(study))
        index = {row.set: row.index.value for row in figures_of(X1, study).sets}
        key = {"points": adapter(list[Point]).dump_python(points), "index": index, "schema": SCHEMA}
        return study.cached("x2", key, GeometryPredicts, partial(explore, first, points, index))

    def judge(self, figures: GeometryPredicts) -> Band:
        """R² and ρ of the first ridge, and whether its largest coefficient can be explained."""
        r2, rho = figures.r2, figures.rho
        if r2 is None or rho is None:
            return Band("not applicable", [figures.first.why_not or "R² or ρ of what geometry adds is not defined"])
        reasons = [f"lowest R² = {r2:.2f} and ρ = {rho:.2f} of ridge", *map(said, figures.first.decisive)]
        strongest = figures.coefficients[0] if figures.coefficients else None
        if strongest:
            reasons.append(
                f"the largest coefficient, of {strongest.diagnostic}, is {strongest.weight:+.4f} and keeps its sign in "
                f"{strongest.same_sign:.0%} of resampled sets: {'' if strongest.interpretable else 'not '}interpretable"
            )
        if (switch := k3(figures)).state == "triggered":
            return Band("red", [f"K3: {switch.reason}", *reasons])
        if r2 < YELLOW_R2:
            return Band("red", ["no usable signal; K3 is not triggered", *reasons])
        if r2 > GREEN_R2 and rho > GREEN_RHO and strongest and strongest.interpretable:
            return Band("green", reasons)
        if r2 <= GREEN_R2:
            return Band("yellow", reasons)
        return Band("not applicable", ["between the bands", *reasons])

    def tables(self, figures: GeometryPredicts) -> list[Table]:
        if not figures.first.decisive:
            return []
        return [
            listing(
                "What geometry adds and tells, sets left out; limits: sets resampled, p: permuted within encoders",
                [*figures.first.decisive, *figures.further],
                {
                    "features": lambda fit: fit.features,
                    "model": lambda fit: fit.model,
                    "n": lambda fit: str(fit.n),
                    "R² [95 % CI]": lambda fit: estimate(fit.r2, ".2f"),
                    "p": lambda fit: number(fit.p_value),
                    "ρ [95 % CI]": lambda fit: estimate(fit.rho, ".2f"),
                },
            ),
            listing(
                f"Coefficients of standardized diagnostics, ridge at {LONG_BITS[0]} bits; whole sets resampled",
                figures.coefficients,
                {
                    "diagnostic": lambda one: one.diagnostic,
                    "coefficient": lambda one: number(one.weight, "+.4f"),
                    "keeps its sign": lambda one: number(one.same_sign, ".0%"),
                    "theory": lambda one: {1: "+", -1: "-"}.get(THEORY.get(one.diagnostic, 0), "none"),
                    "interpretable": lambda one: "yes" if one.interpretable else "no",
                },
            ),
        ]


def explore(first: Predictions, points: list[Point], index: Mapping[str, float]) -> GeometryPredicts:
    """Coefficients of the first ridge and, unless K3 triggers on it, the other models and the `index` of sets."""
    figures = GeometryPredicts(first=first, coefficients=tuple(_coefficients(points)))
    if k3(figures).state == "triggered":
        return figures
    wanted = [(features, model) for features in available(points) for model in regression.MODELS[1:]]
    further = [fitted(points, features, SETS_OUT, model)[0] for features, model in wanted]
    rows = [replace(one, recall=index[one.set]) for one in points if one.bits == LONG_BITS[0] and one.set in index]
    if len(rows) >= MIN_SETS:
        further += [replace(fitted(rows, FIXED[0], SETS_OUT, model)[0], features=INDEX) for model in regression.MODELS]
    return GeometryPredicts(first=first, further=tuple(further), coefficients=figures.coefficients)


def _coefficients(points: list[Point]) -> Iterable[Coefficient]:
    rows = [point for point in points if point.bits == LONG_BITS[0]]
    names, x = shapes(rows)
    weights, kept = regression.signs(x, np.array([point.recall for point in rows]), [point.set for point in rows])
    found = [
        Coefficient(diagnostic=name, weight=float(weight), same_sign=float(share))
        for name, weight, share in zip(names, weights, kept, strict=True)
    ]
    return sorted(found, key=lambda one: -abs(one.weight))
