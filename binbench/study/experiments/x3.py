"""X3: does a light adaptation, learned on documents, win back what binarization loses?"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from numpy.typing import NDArray

from binbench.plugins.hamming_codes import HammingCodes
from binbench.plugins.registry import ALGORITHMS
from binbench.report.render import Table
from binbench.sets import DEFAULT_ENCODER
from binbench.sets.encoders import encoder_name
from binbench.study import geometry
from binbench.study.experiment import Band, Experiment, experiment, hashed
from binbench.study.rows import Estimate, SetRow, counting
from binbench.study.switches import k2
from binbench.study.tables import estimate, listing, number, table
from binbench.study.thresholds import (
    K2_GAP,
    K2_POINTS,
    X3_BITS,
    X3_CONFIGURATIONS,
    X3_GAP,
    X3_HOURS,
    X3_POINTS,
    X3_SEEDS,
)

if TYPE_CHECKING:
    import numpy as np

    from binbench.study.study import Study, StudySet

#: Raised when the geometry of codes is computed otherwise.
SCHEMA = 2
#: What families of adapters begin with, and what an adapter should beat to be worth its training.
ADAPTERS, UNTRAINED = "adapter", ("ortho", "itq")


@dataclass(frozen=True, kw_only=True)
class Gain(SetRow):
    """An adapter's recall@10 at so many bits against `binary` and the best untrained or closed-form rule.

    Attributes:
        before, after, pq: recall@10 of `binary`, the adapter, and PQ at equal bytes.
        difference: after − before, paired by query, over queries and seeds.
        alternative, useful: the best of the others that were run, and the adapter's difference from it.
        hours: of training, all seeds.
        inputs: a hash of the method and of all that its first seed's result depends on: vectors, configuration, code.
    """

    configuration: str
    bits: int
    seeds: int
    documents: int
    before: float
    after: float
    pq: float | None
    difference: Estimate
    alternative: str | None
    useful: Estimate | None
    hours: float
    inputs: str

    @property
    def method(self) -> str:
        """The instance's name."""
        return f"{self.configuration}{self.bits}"

    @property
    def counts(self) -> bool:
        """Whether the paired interval excludes 0."""
        return self.difference.low is not None and self.difference.low > 0

    @property
    def points(self) -> float:
        """Of recall@10 gained; none where the interval holds 0."""
        return 100 * self.difference.value if self.counts or self.difference.value < 0 else 0.0

    @property
    def gap(self) -> float | None:
        """The share of the gap to PQ that is closed; None where PQ is not ahead."""
        if self.pq is None or self.pq <= self.before:
            return None
        return self.points / 100 / (self.pq - self.before)


@dataclass(frozen=True, kw_only=True)
class LearnedCodes:
    """What a method's first seed makes of a set's documents.

    Attributes:
        geometry: of the ±1 codes of a sample (:data:`binbench.study.geometry.DIAGNOSTICS`); None where not defined.
        weights: a sha256 of projection and thresholds, which on other processors may differ in the last digits.
    """

    geometry: Mapping[str, float | None]
    weights: str


@dataclass(frozen=True, kw_only=True)
class Gains:
    """Every gain, the configurations in the campaign's order; the verdict rests on one set.

    Attributes:
        setting: the largest tier-1 set of the reference encoder; None where no adapter was run on one.
        left_out: configurations beyond the third, or beyond the device hours.
        codes: `binary256` and every deciding adapter, learned again in the setting.
    """

    rows: tuple[Gain, ...]
    setting: str | None
    left_out: tuple[str, ...]
    codes: Mapping[str, LearnedCodes] = field(default_factory=dict)

    def weights(self, row: Gain) -> str:
        """The beginning of their hash, where they were learned again."""
        known = self.codes.get(row.method) if row.set == self.setting else None
        return known.weights[:12] if known else "–"

    @property
    def deciding(self) -> list[Gain]:
        """The gains at 256 bits in the setting, of enough seeds."""
        return [row for row in self.rows if row.set == self.setting and row.bits == X3_BITS and row.seeds >= X3_SEEDS]

    @property
    def gain_points(self) -> float | None:
        """Of the best configuration."""
        return max((row.points for row in self.deciding), default=None)

    @property
    def gap_closed(self) -> float | None:
        """Of the best configuration."""
        return max((row.gap for row in self.deciding if row.gap is not None), default=None)

    @property
    def first_gain_points(self) -> float | None:
        """Of the first configuration."""
        return self.deciding[0].points if self.deciding else None

    @property
    def first_gap_closed(self) -> float | None:
        """Of the first configuration."""
        return self.deciding[0].gap if self.deciding else None


@experiment
class X3(Experiment[Gains]):
    """Do adapters help?"""

    id = "x3"
    title = "Light adaptation: learned projections against untrained ones"
    figures = Gains

    def measure(self, study: Study) -> Gains:
        """From stored results of the methods whose family begins with `adapter`."""
        rows = [row for entry in study.sets for row in _gains(entry)]
        kept, left_out = within_limits(rows)
        own = [row for row in counting(kept, tier=1) if row.encoder == encoder_name(DEFAULT_ENCODER)]
        largest = max(own, key=lambda row: row.documents, default=None)
        found = Gains(rows=tuple(kept), setting=largest.set if largest else None, left_out=tuple(left_out))
        return replace(found, codes=_changes(study, found))

    def judge(self, figures: Gains) -> Band:
        """Points gained over `binary256`, or the share of the gap to PQ closed, in one setting."""
        points, gap = figures.gain_points, figures.gap_closed
        if points is None:
            wanted = f"an adapter of {X3_BITS} bits with {X3_SEEDS} seeds, binary{X3_BITS} and pq{X3_BITS // 8}"
            return Band("not applicable", [f"needs {wanted} on a tier-1 set of {encoder_name(DEFAULT_ENCODER)}"])
        reasons = [
            f"{row.method} on {row.set}: {estimate(row.difference, '+.3f')} over binary, "
            f"{number(row.gap, '.0%')} of the gap to PQ, {estimate(row.useful, '+.3f')} over "
            f"{row.alternative or 'no untrained rule'}"
            for row in figures.deciding
        ]
        if (switch := k2(figures)).state == "triggered":
            return Band("red", [f"K2: {switch.reason}", *reasons])
        useful = any(row.useful and row.useful.low is not None and row.useful.low > 0 for row in figures.deciding)
        reasons.append(
            f"{'better' if useful else 'not better'} than the best untrained alternative, intervals considered"
        )
        if points >= X3_POINTS or (gap or 0.0) >= X3_GAP:
            return Band("green", reasons)
        near = points >= K2_POINTS or (gap or 0.0) >= K2_GAP
        return Band("yellow" if near else "red", reasons)

    def tables(self, figures: Gains) -> list[Table]:
        named: dict[str, Callable[[Gain], str]] = {"set": lambda row: row.set, "adapter": lambda row: row.method}
        made = listing(
            "Adapters, learned on documents alone; differences paired by query, over queries and seeds",
            figures.rows,
            {
                **named,
                "binary": lambda row: number(row.before),
                "adapted": lambda row: number(row.after),
                "PQ": lambda row: number(row.pq),
                "over binary": lambda row: estimate(row.difference, "+.3f"),
                "of the gap": lambda row: number(row.gap, ".0%"),
                "over the best untrained": lambda row: f"{estimate(row.useful, '+.3f')} ({row.alternative or 'none'})",
            },
        )
        learned = listing(
            "How they were learned",
            figures.rows,
            {
                **named,
                "seeds": lambda row: str(row.seeds),
                "training h": lambda row: number(row.hours, ".4f"),
                "inputs": lambda row: row.inputs[:12],
                "weights of the first seed": figures.weights,
            },
        )
        if figures.left_out:
            limits = f"at most {X3_CONFIGURATIONS} configurations and {X3_HOURS:g} hours"
            made.notes.append(f"Not counted ({limits}): {', '.join(figures.left_out)}")
        if not figures.codes:
            return [made, learned]
        names = next(iter(figures.codes.values())).geometry
        lines = [[name, *(number(own.geometry[name]) for own in figures.codes.values())] for name in names]
        title = f"Geometry of the codes (±1) of {figures.setting}, of each method's first seed"
        return [made, learned, table(title, ("diagnostic", *figures.codes), lines)]


def learned_codes(train: NDArray[np.float32], instance: str, seed: int) -> LearnedCodes:
    """What `instance`, fitted to `train` (N, d), learned, and the geometry of the codes of a sample of the rows."""
    method = ALGORITHMS.get(instance).create(dimension=train.shape[1], seed=seed)
    assert isinstance(method, HammingCodes)
    method.fit(train)
    codes = method.decode(geometry.sample(train).astype(train.dtype))
    found = geometry.diagnose(codes.astype(float))
    weights = hashlib.sha256()
    for held in (*vars(method.projection).values(), method.thresholds_):
        weights.update(getattr(held, "tobytes", bytes)())
    defined = {name: value if math.isfinite(value) else None for name, value in found.items()}
    return LearnedCodes(geometry=defined, weights=weights.hexdigest())


def _changes(study: Study, gains: Gains) -> dict[str, LearnedCodes]:
    """Codes before and after, in the setting."""
    deciding = [row.method for row in gains.deciding]
    found: dict[str, LearnedCodes] = {}
    if not deciding:
        return found
    entry = next(one for one in study.sets if one.name == gains.setting)
    for method in (f"binary{X3_BITS}", *deciding):
        record = entry.records[method][0]
        # The inputs of methods of one file and the same parameters are alike.
        key = {"method": method, "inputs": record.inputs, "schema": SCHEMA, "sample": geometry.SAMPLE}
        compute = partial(learned_codes, entry.vectors.train, record.instance, record.seed or 0)
        found[method] = study.cached("x3", key, LearnedCodes, compute)
    return found


def within_limits(rows: Sequence[Gain]) -> tuple[list[Gain], list[str]]:
    """The rows of the first configurations that keep to number and hours, and the names of the others."""
    spent = 0.0
    kept: list[str] = []
    left_out: list[str] = []
    for name in dict.fromkeys(row.configuration for row in rows):
        hours = sum(row.hours for row in rows if row.configuration == name)
        if len(kept) < X3_CONFIGURATIONS and spent + hours <= X3_HOURS:
            kept.append(name)
            spent += hours
        else:
            left_out.append(name)
    return [row for row in rows if row.configuration in kept], left_out


def _difference(entry: StudySet, a: str, b: str | None) -> Estimate | None:
    found = entry.contrast(a, b, "recall@10") if b else None
    return None if found is None else Estimate.of(found.difference)


def _gains(entry: StudySet) -> list[Gain]:
    found = []
    for method, records in entry.records.items():
        first = records[0]
        if not first.family.startswith(ADAPTERS) or "bits" not in first.parameters:
            continue
        bits = int(first.parameters["bits"])
        if (binary := f"binary{bits}") not in entry.records:
            continue
        before, after = (entry.mean(name, "recall@10") for name in (binary, method))
        difference = _difference(entry, method, binary)
        if before is None or after is None or difference is None:
            continue
        others = [name for family in UNTRAINED if (name := f"{family}{bits}") in entry.records]
        best = max(others, key=lambda name: entry.mean(name, "recall@10") or 0.0, default=None)
        found.append(
            Gain(
                **entry.labels(),
                configuration=first.family,
                bits=bits,
                seeds=len(records),
                documents=first.documents or 0,
                before=before,
                after=after,
                pq=entry.mean(f"pq{bits // 8}", "recall@10"),
                difference=difference,
                alternative=best,
                useful=_difference(entry, method, best),
                hours=sum(record.train_seconds or 0.0 for record in records) / 3600,
                inputs=hashed(f"{first.instance} {first.inputs}"),
            )
        )
    return found
