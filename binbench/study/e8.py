"""E8: does geometry, with the number of bits, predict recall@10 on sets that were not seen?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import numpy as np

from binbench.study import e7, regression
from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, finite, interval, number, table
from binbench.study.study import Study

TITLE = "Correlation: geometry and bits against recall@10"

SCHEMA = 1
GREEN_R2, GREEN_RHO, YELLOW_R2 = 0.3, 0.5, 0.1
MIN_SETS = 4
BITS = "log2 bits"
#: What is left out together. Rows of one set share its geometry, so a single row is never left out alone.
FOLDS = {"leave-one-set-out": "set", "leave-one-model-out": "encoder"}
#: The band and F3 rest on this model under these folds, so that the best of many fits is not picked.
DECISIVE = ("ridge", "leave-one-set-out")


def figures(study: Study) -> Figures:
    """Every model under every fold, with and without geometry."""
    geometry = {row["set"]: row for row in e7.figures(study)["sets"]}
    points = [
        entry.labels()
        | {
            "bits": int(name[6:]),
            "recall@10": entry.mean(name, "recall@10"),
            "diagnostics": geometry[entry.name]["diagnostics"],
        }
        for entry in study.sets
        for name in entry.results
        if re.fullmatch(r"binary\d+", name) and entry.mean(name, "recall@10") is not None
    ]
    return cast(Figures, study.cached("e8", {"points": finite(points), "schema": SCHEMA}, lambda: finite(fit(points))))


def fit(points: list[dict[str, Any]], seed: int = 0) -> Figures:
    """The figures from `points`: set, encoder, bits, recall@10 and diagnostics each."""
    sets, encoders = ({point[key] for point in points} for key in ("set", "encoder"))
    found: Figures = {
        "rows": len(points),
        "sets": len(sets),
        "encoders": len(encoders),
        "fits": [],
        "importances": [],
        "points": [],
        "decisive": None,
        "why_not": "",
    }
    if len(sets) < MIN_SETS or len(encoders) < 2:
        found["why_not"] = (
            f"needs at least {MIN_SETS} sets and 2 encoders; there are {len(sets)} sets and {len(encoders)} encoders"
        )
        return found
    names = [
        name for name in points[0]["diagnostics"] if all(point["diagnostics"][name] is not None for point in points)
    ]
    bits = np.log2([[point["bits"]] for point in points])
    both = np.hstack([bits, [[point["diagnostics"][name] for name in names] for point in points]])
    y = np.array([point["recall@10"] for point in points])
    clusters = [point["set"] for point in points]
    for folds, key in FOLDS.items():
        groups = [point[key] for point in points]
        for model, features, x in [
            *((model, "geometry + bits", both) for model in regression.MODELS),
            ("ridge", "bits alone", bits),
        ]:
            predicted = regression.held_out(model, x, y, groups, clusters, seed)
            limits = regression.intervals(y, predicted, clusters, seed)
            row = {"model": model, "features": features, "folds": folds, "n": len(y)}
            row |= regression.scores(y, predicted) | {f"{name}_ci": ends for name, ends in limits.items()}
            found["fits"].append(row)
            if (model, folds) == DECISIVE and features == "geometry + bits":
                found["decisive"] = row
                found["points"] = [
                    {"set": cluster, "recall@10": value, "predicted": guess}
                    for cluster, value, guess in zip(clusters, y.tolist(), predicted.tolist(), strict=True)
                ]
    for model in regression.MODELS:
        weights = regression.importances(model, both, y, clusters, seed)
        found["importances"] += [
            {"model": model, "feature": feature, "importance": list(weight)}
            for feature, weight in zip([BITS, *names], weights, strict=True)
        ]
    return found


def control(figures: Figures, folds: str = DECISIVE[1]) -> dict[str, Any] | None:
    """The fit on the number of bits alone: what geometry has to beat."""
    return next((row for row in figures["fits"] if row["features"] == "bits alone" and row["folds"] == folds), None)


def band(figures: Figures) -> Band:
    """R² and ρ of ridge, sets left out one at a time."""
    row = figures["decisive"]
    if row is None or row["r2"] is None or row["rho"] is None:
        return Band("not applicable", [figures["why_not"] or "R² or ρ is not defined"])
    across = next(
        fit
        for fit in figures["fits"]
        if fit["folds"] == "leave-one-model-out" and fit["model"] == "ridge" and fit["features"] == "geometry + bits"
    )
    bits = control(figures)
    reasons = [
        (
            f"ridge, sets left out one at a time: R² = {row['r2']:.2f} {_limits(row['r2_ci'])}, ρ = {row['rho']:.2f} "
            f"{_limits(row['rho_ci'])}, n = {figures['rows']} rows of {figures['sets']} sets"
        ),
        (
            f"models left out one at a time: R² = {number(across['r2'], '.2f')}, ρ = {number(across['rho'], '.2f')}, "
            f"{figures['encoders']} models"
        ),
    ]
    if bits is not None:
        reasons.append(f"bits alone: R² = {number(bits['r2'], '.2f')}, ρ = {number(bits['rho'], '.2f')}")
    if row["r2"] > GREEN_R2 and row["rho"] > GREEN_RHO:
        return Band("green", reasons)
    if abs(row["rho"]) < 0.3 and row["r2"] < YELLOW_R2:
        return Band("red", ["F3", *reasons])
    if YELLOW_R2 <= row["r2"] <= GREEN_R2:
        return Band("yellow", reasons)
    return Band("not applicable", ["between the bands", *reasons])


def _limits(ends: list[float | None]) -> str:
    return f"[{number(ends[0], '.2f')}, {number(ends[1], '.2f')}]"


def tables(figures: Figures) -> list[Table]:
    """The fits, then the importances."""
    if not figures["fits"]:
        return []
    counted = f"n = {figures['rows']} rows of {figures['sets']} sets and {figures['encoders']} encoders"
    return [
        table(
            f"Held-out predictions of recall@10 of `binary`, {counted}; limits over resampled sets",
            ("folds", "features", "model", "n", "R² [95 % CI]", "RMSE [95 % CI]", "ρ [95 % CI]"),
            [
                [
                    row["folds"],
                    row["features"],
                    row["model"],
                    str(row["n"]),
                    interval([row["r2"], *row["r2_ci"]], ".2f"),
                    interval([row["rmse"], *row["rmse_ci"]]),
                    interval([row["rho"], *row["rho_ci"]], ".2f"),
                ]
                for row in figures["fits"]
            ],
        ),
        table(
            f"Importances, {counted} (ridge, lasso: standardized coefficients; mlp: R² lost by permuting)",
            ("feature", *regression.MODELS),
            [
                [
                    feature,
                    *(
                        interval(
                            next(
                                row["importance"]
                                for row in figures["importances"]
                                if row["feature"] == feature and row["model"] == model
                            )
                        )
                        for model in regression.MODELS
                    ),
                ]
                for feature in dict.fromkeys(row["feature"] for row in figures["importances"])
            ],
        ),
    ]


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Predicted against measured."""
    if not figures["points"]:
        return []
    sets = dict.fromkeys(point["set"] for point in figures["points"])
    return [
        draw.points(
            folder / "e8-predicted.png",
            {
                name: (
                    [point["recall@10"] for point in figures["points"] if point["set"] == name],
                    [point["predicted"] for point in figures["points"] if point["set"] == name],
                )
                for name in sets
            },
            ("measured recall@10", "predicted recall@10"),
            f"Predictions of sets that were left out ({DECISIVE[0]}, {DECISIVE[1]}); dashed: exact.",
            diagonal=True,
        )
    ]
