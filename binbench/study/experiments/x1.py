"""X1: one number for how well a set survives binarization, and whether it orders sets as their recall does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.report.render import Table
from binbench.study import plots as draw
from binbench.study.campaign import Friendliness
from binbench.study.experiment import Band, Experiment, Plot, experiment, figures_of
from binbench.study.experiments.e7 import E7
from binbench.study.rows import Estimate, SetRow, counting, uncovered
from binbench.study.tables import estimate, listing, number, table
from binbench.study.thresholds import BFI_GREEN, BFI_YELLOW, LONG_BINARY, LONG_PQ

if TYPE_CHECKING:
    from binbench.study.study import Study, StudySet

Values = NDArray[np.float64]
RESAMPLES = 1000
#: The index must order sets as this does; it contains it, so that what it does not contain stands beside.
DECIDES = f"recall@10 of {LONG_BINARY[0]}"
OUTSIDE = {
    "recall@10 of sign": ("sign", "recall@10"),
    "recall@10 of ortho256": ("ortho256", "recall@10"),
    f"nDCG@10 of {LONG_BINARY[0]} over float's": (LONG_BINARY[0], "ndcg@10"),
}
HELD_OUT = f"{DECIDES} on the other half of the queries"


@dataclass(frozen=True, kw_only=True)
class FriendlySet(SetRow):
    """The index of a set.

    Attributes:
        index: with an interval over queries and seeds.
        penalized: less the campaign's penalty times log10 of the anisotropy; None where that is not defined.
        parts: what the index is the weighted mean of.
        half: the index from a seeded half of the queries.
        beside: what the index is compared with; None where it was not run.
    """

    index: Estimate
    penalized: float | None
    parts: tuple[float, ...]
    half: float
    beside: Mapping[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Kendall's τ over `n` sets, of the index with a quantity; `contained` where the index holds it."""

    index: str
    quantity: str
    contained: bool
    n: int
    tau: float | None
    p_value: float | None


@dataclass(frozen=True, kw_only=True)
class FriendlySets:
    """The index of every set, under weights that the campaign fixed, and how it orders the sets of embedding models.

    Attributes:
        agreements: the first decides.
        same_rank: how many of the sets have the rank that their recall has.
    """

    weights: Friendliness
    sets: tuple[FriendlySet, ...]
    agreements: tuple[Agreement, ...]
    same_rank: int


@experiment
class X1(Experiment[FriendlySets]):
    """Is there an index worth quoting?"""

    id = "x1"
    title = "Binary Friendliness Index"
    needs = (E7.id,)
    figures = FriendlySets

    def measure(self, study: Study) -> FriendlySets:
        shapes = {row.set: row.diagnostics["anisotropy"] for row in figures_of(E7, study).sets}
        weights = study.campaign.friendliness
        found = (_row(entry, weights, shapes[entry.name]) for entry in study.sets)
        rows = tuple(row for row in found if row is not None)
        own = counting(rows)
        both = np.array([(row.index.value, row.beside[DECIDES]) for row in own], dtype=float).reshape(len(own), 2)
        ranks = both.argsort(axis=0).argsort(axis=0)
        same = int((ranks[:, 0] == ranks[:, 1]).sum())
        return FriendlySets(weights=weights, sets=rows, agreements=tuple(agreements(own)), same_rank=same)

    def judge(self, figures: FriendlySets) -> Band:
        """τ decides, whatever number of sets keeps its rank."""
        own = counting(figures.sets)
        if missing := uncovered(own):
            return Band("not applicable", [f"{', '.join((*LONG_BINARY, *LONG_PQ))}: {missing}"])
        decides, values = figures.agreements[0], [row.index.value for row in own]
        reasons = [
            *(
                f"τ = {number(one.tau, '.2f')} of the {one.index} with {one.quantity}, "
                f"p = {number(one.p_value)}, n = {one.n}{', which the index contains' if one.contained else ''}"
                for one in figures.agreements
                if one.index == "index"
            ),
            f"{figures.same_rank} of {len(own)} sets keep the rank of their recall; τ decides",
            f"the index goes from {min(values):.3f} to {max(values):.3f}",
        ]
        if decides.tau is None:
            return Band("not applicable", ["τ is not defined", *reasons])
        if decides.tau >= BFI_GREEN:
            return Band("green", reasons)
        return Band("yellow", reasons) if decides.tau >= BFI_YELLOW else Band("red", ["cosmetic only", *reasons])

    def tables(self, figures: FriendlySets) -> list[Table]:
        weights = figures.weights
        names = [*(f"recall@10 of {one}" for one in LONG_BINARY), *(f"min(1, ratio to {one})" for one in LONG_PQ)]
        terms = " + ".join(f"{weight:g} × {name}" for weight, name in zip(weights.parts, names, strict=True))
        formula = f"({terms}) / {sum(weights.parts):g}; penalized: less {weights.anisotropy:g} × log10(anisotropy)"
        made = listing(
            f"Index = {formula}",
            sorted(figures.sets, key=lambda row: -row.index.value),
            {
                "set": lambda row: row.set,
                "index [95 % CI]": lambda row: estimate(row.index),
                "penalized": lambda row: number(row.penalized),
                **{name: lambda row, i=i: number(row.parts[i]) for i, name in enumerate(names)},  # type: ignore[misc]
                "counted": lambda row: "yes" if row.counted else "no",
            },
        )
        lines = [
            [one.index, one.quantity, "yes" if one.contained else "no", number(one.tau, "+.2f"), number(one.p_value)]
            for one in figures.agreements
        ]
        n = figures.agreements[0].n if figures.agreements else 0
        header = ("index", "against", "contained in it", "Kendall's τ", "p")
        return [made, table(f"Agreement of orders over n = {n} sets", header, lines)]

    def plots(self, figures: FriendlySets, folder: Path) -> list[Plot]:
        if not figures.sets:
            return []
        series = {row.set: ([row.index.value], [row.beside[DECIDES] or math.nan]) for row in figures.sets}
        return [
            draw.points(folder / "x1-index.svg", series, ("index", DECIDES), "The index beside what it should order.")
        ]


def _row(entry: StudySet, weights: Friendliness, anisotropy: float | None) -> FriendlySet | None:
    methods = (*LONG_BINARY, *LONG_PQ)
    found = [entry.values(name, "recall@10") if name in entry.records else None for name in methods]
    values = [one for one in found if one is not None]
    if len(values) < len(methods):
        return None
    queries, rng = values[0].shape[1], Generator(PCG64(0))
    order = rng.permutation(queries)
    half, other = np.sort(order[: queries // 2]), np.sort(order[queries // 2 :])
    value = index(values, weights)
    low, high = np.nanpercentile([index(_resampled(values, rng), weights) for _ in range(RESAMPLES)], [2.5, 97.5])
    beside: dict[str, float | None] = {DECIDES: float(values[0].mean()), HELD_OUT: float(values[0][:, other].mean())}
    for name, (method, measure) in OUTSIDE.items():
        mean, reference = entry.mean(method, measure), entry.mean("float", measure)
        beside[name] = mean / reference if measure == "ndcg@10" and mean and reference else mean
    return FriendlySet(
        **entry.labels(),
        index=Estimate(value, float(low), float(high)),
        penalized=None if not anisotropy else value - weights.anisotropy * math.log10(anisotropy),
        parts=tuple(parts(values)),
        half=index([one[:, half] for one in values], weights),
        beside=beside,
    )


def parts(values: Sequence[Values]) -> list[float]:
    """recall@10 at 256 and 512 bits, and their ratios to PQ at equal bytes, at most 1.

    Args:
        values: (S, Q) per-query recall@10 of binary256, binary512, pq32 and pq64.
    """
    means = [float(one.mean()) for one in values]
    return [*means[:2], *(min(1.0, ours / pq) if pq else 1.0 for ours, pq in zip(means[:2], means[2:], strict=True))]


def index(values: Sequence[Values], weights: Friendliness) -> float:
    """The weighted mean of :func:`parts`."""
    return float(np.average(parts(values), weights=weights.parts))


def _resampled(values: Sequence[Values], rng: Generator) -> list[Values]:
    """The same queries for every method, and seeds of its own for each."""
    queries = rng.integers(values[0].shape[1], size=values[0].shape[1])
    return [one[rng.integers(len(one), size=len(one))][:, queries] for one in values]


def agreements(rows: Sequence[FriendlySet]) -> list[Agreement]:
    """How the index, and what else is made of it, orders `rows`; the half of the queries only with the other half."""
    variants: dict[str, list[float | None]] = {
        "index": [row.index.value for row in rows],
        "penalized": [row.penalized for row in rows],
    }
    wanted = [(name, DECIDES) for name in variants] + [("index", name) for name in OUTSIDE]
    pairs = [(name, other, variants[name]) for name, other in wanted]
    pairs.append(("half", HELD_OUT, [row.half for row in rows]))
    return [_agreement(name, other, values, [row.beside[other] for row in rows]) for name, other, values in pairs]


def _agreement(name: str, other: str, a: Sequence[float | None], b: Sequence[float | None]) -> Agreement:
    from scipy.stats import kendalltau

    known = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    tau, p_value = kendalltau(*zip(*known, strict=True)) if len(known) > 1 else (math.nan, math.nan)
    defined = not math.isnan(tau)
    return Agreement(
        index=name,
        quantity=other,
        contained=other == DECIDES,
        n=len(known),
        # A fraction of whole numbers: 0.8 is not to miss its bar by rounding.
        tau=round(float(tau), 12) if defined else None,
        p_value=float(p_value) if defined else None,
    )
