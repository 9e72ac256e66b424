"""E8: does geometry, with the number of bits, predict recall@10 on sets that were not seen?"""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, adapter, experiment
from binbench.study.experiments.e7 import E7
from binbench.study.prediction import ALONE, BOTH, DECISIVE, MODELS_OUT, SETS_OUT, Point, Predictions, predict
from binbench.study.regression import MODELS
from binbench.study.rows import Estimate
from binbench.study.switches import f3
from binbench.study.tables import estimate, listing, number, table
from binbench.study.thresholds import GREEN_R2, GREEN_RHO, YELLOW_R2

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Raised when a fit changes.
SCHEMA = 2


@experiment
class E8(Experiment[Predictions]):
    """Does geometry tell recall beforehand?"""

    id = "e8"
    title = "Correlation: geometry and bits against recall@10"
    needs = (E7.id,)
    figures = Predictions

    def measure(self, study: Study) -> Predictions:
        diagnostics = {row.set: row.diagnostics for row in study.figures(E7).sets}
        points = [
            Point(**entry.labels(), bits=int(name[6:]), recall=recall, diagnostics=diagnostics[entry.name])
            for entry in study.sets
            for name in entry.records
            if re.fullmatch(r"binary\d+", name) and (recall := entry.mean(name, "recall@10")) is not None
        ]
        key = {"points": adapter(list[Point]).dump_python(points), "schema": SCHEMA}
        return study.cached("e8", key, Predictions, partial(predict, points))

    def judge(self, figures: Predictions) -> Band:
        """R² and ρ of ridge, sets left out one at a time."""
        row = figures.decisive
        if row is None or row.r2 is None or row.rho is None:
            return Band("not applicable", [figures.why_not or "R² or ρ is not defined"])
        across, alone = figures.fit(BOTH, MODELS_OUT), figures.fit(ALONE, SETS_OUT)
        reasons = [
            (
                f"ridge, sets left out one at a time: R² = {estimate(row.r2, '.2f')}, ρ = {estimate(row.rho, '.2f')}, "
                f"n = {figures.rows} rows of {figures.sets} sets"
            )
        ]
        if across is not None:
            reasons.append(
                f"models left out one at a time: R² = {_value(across.r2)}, ρ = {_value(across.rho)}, "
                f"{figures.encoders} models"
            )
        if alone is not None:
            reasons.append(f"bits alone: R² = {_value(alone.r2)}, ρ = {_value(alone.rho)}")
        if row.r2.value > GREEN_R2 and row.rho.value > GREEN_RHO:
            return Band("green", reasons)
        if f3(figures).state == "triggered":
            return Band("red", ["F3", *reasons])
        if YELLOW_R2 <= row.r2.value <= GREEN_R2:
            return Band("yellow", reasons)
        return Band("not applicable", ["between the bands", *reasons])

    def tables(self, figures: Predictions) -> list[Table]:
        if not figures.fits:
            return []
        counted = f"n = {figures.rows} rows of {figures.sets} sets and {figures.encoders} encoders"
        return [
            listing(
                f"Held-out predictions of recall@10 of `binary`, {counted}; limits over resampled sets",
                figures.fits,
                {
                    "folds": lambda fit: fit.folds,
                    "features": lambda fit: fit.features,
                    "model": lambda fit: fit.model,
                    "n": lambda fit: str(fit.n),
                    "R² [95 % CI]": lambda fit: estimate(fit.r2, ".2f"),
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
                folder / "e8-predicted.png",
                series,
                ("measured recall@10", "predicted recall@10"),
                f"Predictions of sets that were left out ({DECISIVE[0]}, {DECISIVE[1]}); dashed: exact.",
                diagonal=True,
            )
        ]


def _value(found: Estimate | None) -> str:
    return number(found and found.value, ".2f")
