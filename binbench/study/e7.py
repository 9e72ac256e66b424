"""E7: the geometry of the embeddings, and whether recall after binarization follows it."""

from __future__ import annotations

import itertools
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.study import geometry
from binbench.study import plots as draw
from binbench.study.experiment import Band, Figures, Plot, Table, number, table
from binbench.study.study import Study

TITLE = "Geometry of the embeddings"

SCHEMA = 1
#: recall@10 of this method is what the diagnostics are held against.
METHOD = "binary256"
VARIES, CONSTANT = 2.0, 1.1
#: The anisotropies of two halves of a sample may be so far apart, relative to their mean.
STABLE = 0.1
#: Fewer points can follow anything.
MIN_SETS = 4
SIGNIFICANT = 0.05
PERMUTATIONS = 5000
_SPECTRUM = 512
_COSINE_CLASSES = np.linspace(-1, 1, 101)


def figures(study: Study) -> Figures:
    """The diagnostics of every set, and how each of them ranks with recall@10."""
    rows = []
    for entry in study.sets:
        key = {"set": entry.vectors.fingerprint, "schema": SCHEMA, "sample": geometry.SAMPLE, "seed": 0}
        found = study.cached("e7", key, partial(measure, entry.vectors.train))
        rows.append(entry.labels() | found | {"recall@10": entry.mean(METHOD, "recall@10")})
    return {"sets": rows, "method": METHOD, "relation": relation(rows)}


def measure(train: NDArray[np.float32], size: int = geometry.SAMPLE, seed: int = 0) -> dict[str, Any]:
    """The diagnostics of a seeded sample of `train` (N, d), and what its plots show."""
    vectors = geometry.sample(train, size, seed)
    eigenvalues = geometry.spectrum(vectors)
    cosines = geometry.pair_cosines(vectors, seed)
    counts, _ = np.histogram(np.clip(cosines, -1, 1), _COSINE_CLASSES)
    return {
        "sample": len(vectors),
        "seed": seed,
        "diagnostics": {
            name: value if math.isfinite(value) else None for name, value in geometry.diagnose(vectors, seed).items()
        },
        "instability": geometry.instability(vectors),
        "spectrum": (eigenvalues / max(eigenvalues.sum(), 1e-30))[:_SPECTRUM].tolist(),
        "prevalence": np.sort(geometry.prevalence(vectors)).tolist(),
        "cosines": (counts / max(1, counts.sum())).tolist(),
    }


def relation(rows: list[dict[str, Any]], seed: int = 0) -> dict[str, Any]:
    """Spearman's ρ of each diagnostic with recall@10, and the p-value of the largest of them.

    With a dozen diagnostics and a handful of sets some ρ is large by chance, so the largest |ρ| is compared with the
    largest ones after permuting the recalls (Westfall and Young, 1993): all permutations, or 5,000 random ones.
    """
    from scipy.stats import rankdata

    names = [
        name for name in geometry.DIAGNOSTICS if rows and all(row["diagnostics"][name] is not None for row in rows)
    ]
    recalls = [row["recall@10"] for row in rows]
    none = {"n": len(rows), "rho": {}, "strongest": None, "p_value": None}
    if len(rows) < 3 or not names or any(value is None for value in recalls):
        return none
    x = _standard(rankdata([[row["diagnostics"][name] for row in rows] for name in names], axis=1))
    y = _standard(rankdata(recalls)[None])[0]
    found = x @ y / len(rows)
    best = int(np.argmax(np.abs(found)))
    n = len(rows)
    if math.factorial(n) <= PERMUTATIONS:
        orders = np.array(list(itertools.permutations(range(n))))
        floor = 0
    else:
        rng = Generator(PCG64(seed))
        orders, floor = rng.permuted(np.tile(np.arange(n), (PERMUTATIONS, 1)), axis=1), 1
    extreme = (np.abs(x @ y[orders].T / n).max(axis=0) >= abs(found[best]) - 1e-12).sum()
    return {
        "n": n,
        "rho": dict(zip(names, found.tolist(), strict=True)),
        "strongest": names[best],
        "p_value": float((extreme + floor) / (len(orders) + floor)),
    }


def _standard(ranks: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    deviations = ranks.std(axis=1, keepdims=True)
    return np.divide(centred, deviations, out=np.zeros_like(centred), where=deviations > 0)


def band(figures: Figures) -> Band:
    """Does the anisotropy vary, and does a diagnostic follow recall@10 more than chance would have it?"""
    rows = [row for row in figures["sets"] if row["diagnostics"]["anisotropy"] is not None]
    if len(rows) < 2:
        return Band("not applicable", [f"needs at least 2 sets with an anisotropy; there are {len(rows)}"])
    low, high = (pick(rows, key=lambda row: row["diagnostics"]["anisotropy"]) for pick in (min, max))
    ratio = high["diagnostics"]["anisotropy"] / low["diagnostics"]["anisotropy"]
    spread = (
        f"anisotropy varies {ratio:.2f}×, from {low['diagnostics']['anisotropy']:.2f} ({low['set']}) "
        f"to {high['diagnostics']['anisotropy']:.2f} ({high['set']})"
    )
    shaky = [row["set"] for row in rows if row["instability"] is not None and row["instability"] > STABLE]
    if shaky:
        return Band("red", [f"anisotropies of two halves differ by more than {STABLE:.0%}: {', '.join(shaky)}", spread])
    if ratio < CONSTANT:
        return Band("red", [f"no variation: {spread}"])
    found = figures["relation"]
    if found["strongest"] is None or found["n"] < MIN_SETS:
        return Band("not applicable", [spread, f"recall@10 against geometry needs {MIN_SETS} sets, n = {found['n']}"])
    tracks = (
        f"{found['strongest']} ranks with recall@10 of {figures['method']} at ρ = "
        f"{found['rho'][found['strongest']]:+.2f}, n = {found['n']} sets, p = {found['p_value']:.3f} "
        f"for the largest of {len(found['rho'])} diagnostics"
    )
    if ratio >= VARIES and found["p_value"] < SIGNIFICANT:
        return Band("green", [spread, tracks])
    return Band("yellow", [spread, tracks])


def tables(figures: Figures) -> list[Table]:
    """The diagnostics, one column per set, and their definitions."""
    rows = figures["sets"]
    rho = figures["relation"]["rho"]
    lines = [
        [name, *(number(row["diagnostics"][name], ".4g") for row in rows), number(rho.get(name), "+.2f")]
        for name in geometry.DIAGNOSTICS
    ]
    lines.append(["sample", *(f"{row['sample']:,}" for row in rows), ""])
    lines.append(["halves differ by", *(number(row["instability"], ".2%") for row in rows), ""])
    lines.append([f"recall@10 of {figures['method']}", *(number(row["recall@10"]) for row in rows), ""])
    return [
        table(
            f"Diagnostics; ρ: Spearman's with recall@10 of {figures['method']}, n = {figures['relation']['n']}",
            ("diagnostic", *(row["set"] for row in rows), "ρ"),
            lines,
        ),
        table("Definitions", ("diagnostic", "definition"), [list(item) for item in geometry.DIAGNOSTICS.items()]),
    ]


def plots(figures: Figures, folder: Path) -> list[Plot]:
    """Spectrum, bit balance, cosines, and the strongest relation."""
    rows = figures["sets"]
    centres = ((_COSINE_CLASSES[1:] + _COSINE_CLASSES[:-1]) / 2).tolist()
    found = [
        draw.curves(
            folder / "e7-spectrum.png",
            {
                row["set"]: (
                    list(range(1, len(row["spectrum"]) + 1)),
                    [value if value > 1e-12 else math.nan for value in row["spectrum"]],
                )
                for row in rows
            },
            ("principal component", "share of variance"),
            "Eigenvalues of the covariance, as shares of the whole variance.",
            log_x=True,
            log_y=True,
            markers=False,
        ),
        draw.curves(
            folder / "e7-balance.png",
            {row["set"]: (np.linspace(0, 1, len(row["prevalence"])).tolist(), row["prevalence"]) for row in rows},
            ("dimensions, sorted by prevalence (share)", "share of documents above zero"),
            "Balance of the sign bits of the dimensions themselves.",
            markers=False,
            unit_y=True,
        ),
        draw.curves(
            folder / "e7-cosines.png",
            {row["set"]: (centres, row["cosines"]) for row in rows},
            ("cosine of random document pairs", "share of pairs"),
            "Cosines of random pairs.",
            markers=False,
        ),
    ]
    strongest = figures["relation"]["strongest"]
    if strongest:
        found.append(
            draw.points(
                folder / "e7-relation.png",
                {row["set"]: ([row["diagnostics"][strongest]], [row["recall@10"]]) for row in rows},
                (strongest, f"recall@10 of {figures['method']}"),
                "The diagnostic whose ranks follow recall@10 most closely.",
            )
        )
    return found
