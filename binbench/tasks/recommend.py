"""From results to a decision: what fits a number of documents, a memory, a quality and a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

from binbench.errors import UserError
from binbench.harness.options import RunOptions
from binbench.measures.registry import MEASURES
from binbench.records.record import Record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.prepare import Preparation
from binbench.tasks.candidates import Candidate, Density, Wanted, candidate

#: Beyond this many times the largest size measured, no trend is believed.
FARTHEST = 100
#: Sizes measured to see a trend, and the smallest of them.
SIZES, SMALLEST = 8, 500


@dataclass(frozen=True)
class Recommendation:
    """What was found.

    Attributes:
        wanted: what was asked for.
        set_name, documents: the set and its size.
        candidates: every method that was measured, cheapest first.
        left_out: method → why nothing can be said of it.
    """

    wanted: Wanted
    set_name: str
    documents: int
    candidates: list[Candidate]
    left_out: dict[str, str]

    @cached_property
    def fitting(self) -> list[Candidate]:
        """Those that miss nothing, the least memory first; without a quality asked for, the best quality first."""
        found = [one for one in self.candidates if not one.misses]
        if self.wanted.quality is None:
            return sorted(found, key=lambda one: (-one.quality.low, one.memory.total, one.method))
        return sorted(found, key=lambda one: (one.memory.total, -one.quality.low, one.method))

    @property
    def pick(self) -> Candidate | None:
        """The first of those that fit, or None."""
        return self.fitting[0] if self.fitting else None

    @property
    def runners_up(self) -> list[Candidate]:
        """The others that fit and that none beats in memory, quality and time at once."""
        return [one for one in self.fitting[1:] if not any(_beats(other, one) for other in self.fitting)]

    @property
    def nearest_misses(self) -> dict[str, Candidate]:
        """By what is missed alone, the candidate that comes nearest: how much memory, how little quality would do."""
        found: dict[str, Candidate] = {}
        for one in sorted(self.candidates, key=lambda one: (one.memory.total, -one.quality.low)):
            if len(one.misses) == 1:
                [what] = one.misses
                if what not in found or (what != "memory" and _nearer(what, one, found[what])):
                    found[what] = one
        return found


#: Spans the bytes: scalar, signs, projections, rotations that are learned, product quantizers, two stages, float.
ZOO = (
    *("float", "int8", "int4", "sign", "binary256", "itq256", "rabitq1", "rabitq4"),
    *("pq16", "pq32", "pq64", "opq32", "binary256-rescore-int8", "pq32-rescore-float"),
)


def work(
    preparation: Preparation, algorithms: Sequence[str], options: RunOptions, wanted: Wanted
) -> tuple[list[Preparation], list[str], RunOptions]:
    """What :func:`binbench.harness.run.run` has to be given, so that all is there that an answer needs.

    The set is made where it is missing. No `algorithms` are a small zoo; times are those of queries that come singly
    where a latency is asked for.

    Raises:
        UserError: the set is too small for what is asked, or has no judgements to measure it by.
    """
    embeddings = preparation.run()
    if MEASURES[wanted.base].against == "qrels" and embeddings.qrels is None:
        raise UserError(f"{wanted.measure} needs relevance judgements, and {embeddings.name} has none; see --dataset")
    documents = sizes_for(len(embeddings.train), wanted.documents)
    modes = ("batch",) if wanted.latency is None else ("single",)
    chosen = options.model_copy(update={"documents": tuple(documents), "modes": modes})
    return [preparation], list(algorithms or ZOO), chosen


def sizes_for(total: int, asked: int) -> list[int]:
    """The numbers of documents, of a set of `total`, to measure on when `asked` are asked about; the largest last.

    Raises:
        UserError: the set is too small for what is asked.
    """
    if asked <= total:
        return [asked]
    if asked > FARTHEST * total:
        raise UserError(
            f"{asked:,} documents are {asked / total:,.0f} times the {total:,} of the set, and beyond "
            f"{FARTHEST} times no trend is believed; bring a larger sample, at least {-(-asked // FARTHEST):,}"
        )
    if total < 2 * SMALLEST:
        raise UserError(
            f"{total:,} documents are too few to see how methods fare as a corpus grows; "
            f"bring at least {2 * SMALLEST:,}"
        )
    smallest = max(SMALLEST, total // 64)
    return [round(n) for n in np.geomspace(smallest, total, SIZES)]


def recommend(embeddings: EmbeddingSet, records: Iterable[Record], wanted: Wanted) -> Recommendation:
    """What those of `records` that were measured on `embeddings` or its subsets say about `wanted`."""
    methods: dict[str, list[Record]] = {}
    left_out: dict[str, str] = {}
    for record in records:
        if (record.set, record.fingerprint) != (embeddings.name, embeddings.fingerprint):
            continue
        if record.status != "ok":
            left_out[record.method] = f"{record.status}: {record.reason}"
        elif record.mean(wanted.base) is None:
            left_out[record.method] = f"{wanted.measure} does not apply"
        else:
            methods.setdefault(record.method, []).append(record)
    density = Density(embeddings)
    candidates = []
    for name, found in methods.items():
        largest = max(record.documents or 0 for record in found)
        if largest < min(wanted.documents, len(embeddings.train)):
            left_out.setdefault(name, "not measured on enough documents")
            continue
        try:
            siblings = [one for other in methods.values() for one in other if one.instance == found[0].instance]
            candidates.append(candidate(found, siblings, wanted, density))
        except ValueError as reason:
            left_out.setdefault(name, f"{reason}, and it was measured at fewer")
    candidates.sort(key=lambda one: (one.memory.total, -one.quality.low, one.method))
    known = {one.method for one in candidates}
    reasons = {name: why for name, why in left_out.items() if name not in known}
    return Recommendation(wanted, embeddings.name, len(embeddings.train), candidates, reasons)


def _beats(a: Candidate, b: Candidate) -> bool:
    """Whether `a` is nowhere worse than `b` in memory, quality and time, and somewhere better."""
    ours, theirs = (
        (one.memory.total, -one.quality.estimate, inf if one.seconds is None else one.seconds) for one in (a, b)
    )
    return a is not b and ours != theirs and all(x <= y for x, y in zip(ours, theirs, strict=True))


def _nearer(what: str, a: Candidate, b: Candidate) -> bool:
    """Whether `a`, which misses `what` alone, comes nearer than `b`."""
    if what == "quality":
        return a.quality.low > b.quality.low
    value = {"latency": "seconds", "build": "build"}.get(what)
    return value is not None and (getattr(a, value) or inf) < (getattr(b, value) or inf)
