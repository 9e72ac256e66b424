"""E7: the geometry of the embeddings, and whether recall after binarization follows it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binbench.report.render import Table
from binbench.study import geometry
from binbench.study import plots as draw
from binbench.study.experiment import Band, Experiment, Plot, experiment
from binbench.study.rows import counting
from binbench.study.shapes import COSINE_CLASSES, Relation, Shape, ShapedSet, measure, relation
from binbench.study.tables import number, table
from binbench.study.thresholds import CONSTANT, SIGNIFICANT, STABLE, VARIES

if TYPE_CHECKING:
    from binbench.study.study import Study

#: Raised when a diagnostic changes.
SCHEMA = 2
#: recall@10 of this method is what the diagnostics are held against.
METHOD = "binary256"


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """The geometry of every set, and how its diagnostics rank with the recall@10 of `method`."""

    sets: tuple[ShapedSet, ...]
    method: str
    relation: Relation


@experiment
class E7(Experiment[Geometry]):
    """What do the embeddings look like, and does recall follow it?"""

    id = "e7"
    title = "Geometry of the embeddings"
    figures = Geometry

    def measure(self, study: Study) -> Geometry:
        rows = []
        for entry in study.sets:
            empty = entry.attributes["provenance"].get("empty_documents", [])
            key = {"set": entry.vectors.fingerprint, "schema": SCHEMA, "sample": geometry.SAMPLE, "seed": 0}
            key |= {"without": empty} if empty else {}
            shape = study.cached("e7", key, Shape, partial(measure, entry.vectors.train, without=empty))
            rows.append(ShapedSet(**entry.labels(), **vars(shape), recall=entry.mean(METHOD, "recall@10")))
        own = counting(rows)
        found = relation([row.diagnostics for row in own], [row.recall for row in own], [row.encoder for row in own])
        return Geometry(sets=tuple(rows), method=METHOD, relation=found)

    def judge(self, figures: Geometry) -> Band:
        """Does the anisotropy vary, and does a diagnostic follow recall@10 more than chance would have it?"""
        known = [(value, row) for row in counting(figures.sets) if (value := row.diagnostics["anisotropy"]) is not None]
        if len(known) < 2:
            return Band("not applicable", [f"needs at least 2 sets with an anisotropy; there are {len(known)}"])
        (low, flat), (high, steep) = (pick(known, key=lambda one: one[0]) for pick in (min, max))
        ratio = high / low
        spread = f"anisotropy varies {ratio:.2f}×, from {low:.2f} ({flat.set}) to {high:.2f} ({steep.set})"
        shaky = [row.set for _, row in known if row.instability is not None and row.instability > STABLE]
        if shaky:
            apart = f"anisotropies of two halves differ by more than {STABLE:.0%}: {', '.join(shaky)}"
            return Band("red", [apart, spread])
        if ratio < CONSTANT:
            return Band("red", [f"no variation: {spread}"])
        found = figures.relation
        if found.strongest is None or found.p_value is None or found.least_p is None:
            return Band("not applicable", [spread, f"recall@10 against geometry needs 3 sets, n = {found.n}"])
        if found.least_p >= SIGNIFICANT:
            few = f"n = {found.n} sets, permuted within their encoders, cannot reach a p below {found.least_p:.3f}"
            return Band("not applicable", [spread, f"recall@10 against geometry needs more sets: {few}"])
        tracks = (
            f"{found.strongest} ranks with recall@10 of {figures.method} at ρ = {found.rho[found.strongest]:+.2f}, "
            f"n = {found.n} sets, p = {found.p_value:.3f} for the largest of {len(found.rho)} diagnostics"
        )
        green = ratio >= VARIES and found.p_value < SIGNIFICANT
        return Band("green" if green else "yellow", [spread, tracks])

    def tables(self, figures: Geometry) -> list[Table]:
        rows, rho = figures.sets, figures.relation.rho
        lines = [
            [name, number(rho.get(name), "+.2f"), *(number(row.diagnostics[name], ".4g") for row in rows)]
            for name in geometry.DIAGNOSTICS
        ]
        lines.append(["sample", "", *(f"{row.sample:,}" for row in rows)])
        lines.append(["halves differ by", "", *(number(row.instability, ".2%") for row in rows)])
        lines.append([f"recall@10 of {figures.method}", "", *(number(row.recall) for row in rows)])
        return [
            table(
                f"Diagnostics; ρ: Spearman's with recall@10 of {figures.method}, n = {figures.relation.n}",
                ("diagnostic", "ρ", *(row.set for row in rows)),
                lines,
            ),
            table("Definitions", ("diagnostic", "definition"), [list(item) for item in geometry.DIAGNOSTICS.items()]),
        ]

    def plots(self, figures: Geometry, folder: Path) -> list[Plot]:
        rows, strongest = figures.sets, figures.relation.strongest
        centers = ((COSINE_CLASSES[1:] + COSINE_CLASSES[:-1]) / 2).tolist()
        spectra = {
            row.set: (
                list(range(1, len(row.spectrum) + 1)),
                [value if value > 1e-12 else math.nan for value in row.spectrum],
            )
            for row in rows
        }
        balance = {row.set: (np.linspace(0, 1, len(row.prevalence)).tolist(), row.prevalence) for row in rows}
        found = [
            draw.curves(
                folder / "e7-spectrum.svg",
                spectra,
                ("principal component", "share of variance"),
                "Eigenvalues of the covariance, as shares of the whole variance.",
                log_x=True,
                log_y=True,
                markers=False,
            ),
            draw.curves(
                folder / "e7-balance.svg",
                balance,
                ("dimensions, sorted by prevalence (share)", "share of documents above zero"),
                "Balance of the sign bits of the dimensions themselves.",
                markers=False,
                unit_y=True,
            ),
            draw.curves(
                folder / "e7-cosines.svg",
                {row.set: (centers, row.cosines) for row in rows},
                ("cosine of random document pairs", "share of pairs"),
                "Cosines of random pairs.",
                markers=False,
            ),
        ]
        if strongest:
            found.append(
                draw.points(
                    folder / "e7-relation.svg",
                    {row.set: ([row.diagnostics[strongest]], [row.recall]) for row in rows},
                    (strongest, f"recall@10 of {figures.method}"),
                    "The diagnostic whose ranks follow recall@10 most closely.",
                )
            )
        return found
