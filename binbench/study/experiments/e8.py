"""E8: does geometry, with the number of bits, predict recall@10 on sets that were not seen?"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.records.typed import adapter
from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment, figures_of
from binbench.study.experiments.e7 import E7
from binbench.study.prediction import (
    ADDED,
    ALONE,
    BOTH,
    DECISIVE,
    MODELS_OUT,
    ROWS_OUT,
    SETS_OUT,
    Fit,
    Point,
    Predictions,
    predict,
)
from binbench.study.regression import MODELS
from binbench.study.switches import f3
from binbench.study.tables import estimate, listing, number, table
from binbench.study.thresholds import GREEN_R2, GREEN_RHO, YELLOW_R2

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Raised when a fit changes.
SCHEMA = 3


@experiment
class E8(Experiment[Predictions]):
    """Does geometry tell recall beforehand?"""

    id = "e8"
    title = "Correlation: geometry and bits against recall@10"
    needs = (E7.id,)
    figures = Predictions

    def measure(self, study: Study) -> Predictions:
        points = points_of(study)
        key = {"points": adapter(list[Point]).dump_python(points), "schema": SCHEMA}
        return study.cached("e8", key, Predictions, partial(predict, points))

    def judge(self, figures: Predictions) -> Band:
        """R² and ρ of what geometry adds to bits and tells at a fixed length, the lowest of each."""
        r2, rho = figures.r2, figures.rho
        if r2 is None or rho is None:
            lacking = f"R² or ρ is not defined of {', '.join(DECISIVE)}"
            return Band("not applicable", [figures.why_not or lacking])
        beside = [(ADDED, MODELS_OUT), (BOTH, ROWS_OUT), (ALONE, SETS_OUT)]
        reasons = [
            f"lowest R² = {r2:.2f} and ρ = {rho:.2f}; ridge, n = {figures.rows} rows of {figures.sets} sets",
            *map(said, figures.decisive),
            *(said(fit) for features, folds in beside if (fit := figures.fit(features, folds))),
        ]
        if r2 > GREEN_R2 and rho > GREEN_RHO:
            return Band("green", reasons)
        if f3(figures).state == "triggered":
            return Band("red", ["F3", *reasons])
        if YELLOW_R2 <= r2 <= GREEN_R2:
            return Band("yellow", reasons)
        return Band("not applicable", ["between the bands", *reasons])

    def tables(self, figures: Predictions) -> list[Table]:
        if not figures.fits:
            return []
        counted = f"n = {figures.rows} rows of {figures.sets} sets and {figures.encoders} encoders"
        return [
            listing(
                f"Held-out predictions of recall@10 of `binary`, {counted}; limits over resampled sets; "
                "p: recalls of sets permuted within encoders (of lasso and mlp without new fits)",
                figures.fits,
                {
                    "folds": lambda fit: fit.folds,
                    "features": lambda fit: fit.features,
                    "model": lambda fit: fit.model,
                    "n": lambda fit: str(fit.n),
                    "R² [95 % CI]": lambda fit: estimate(fit.r2, ".2f"),
                    "p": lambda fit: number(fit.p_value),
                    "RMSE [95 % CI]": lambda fit: estimate(fit.rmse),
                    "ρ [95 % CI]": lambda fit: estimate(fit.rho, ".2f"),
                },
            ),
            table(
                f"Importances, {counted} (ridge, lasso: standardized coefficients; mlp: R² lost by permuting)",
                ("feature", *MODELS),
                [
                    [feature, *(estimate(weights[model]) for model in MODELS)]
                    for feature, weights in figures.importances.items()
                ],
            ),
        ]

    def plots(self, figures: Predictions, folder: Path) -> list[Plot]:
        if not figures.points:
            return []
        series = {name: ([x for x, _ in own], [y for _, y in own]) for name, own in figures.points.items()}
        return [
            draw.points(
                folder / "e8-predicted.svg",
                series,
                ("measured recall@10", "predicted recall@10"),
                f"Predictions of sets that were left out (ridge, {SETS_OUT}); dashed: exact.",
                diagonal=True,
            )
        ]


def points_of(study: Study) -> list[Point]:
    """The recall@10 of every code of `binary` on every set, beside the set's geometry."""
    diagnostics = {row.set: row.diagnostics for row in figures_of(E7, study).sets}
    return [
        Point(**entry.labels(), bits=int(name[6:]), recall=recall, diagnostics=diagnostics[entry.name])
        for entry in study.sets
        for name in entry.records
        if re.fullmatch(r"binary\d+", name) and (recall := entry.mean(name, "recall@10")) is not None
    ]


def said(fit: Fit) -> str:
    return (
        f"{fit.features}, {fit.folds}: R² = {estimate(fit.r2, '.2f')}, p = {number(fit.p_value)}, "
        f"ρ = {estimate(fit.rho, '.2f')}"
    )
