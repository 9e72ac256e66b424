"""What is known of a method at a number of documents: memory, quality with its interval, time, and what it misses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from binbench.errors import unknown
from binbench.harness.answers import answers_of
from binbench.measures.bootstrap import Interval
from binbench.measures.ranking import recall
from binbench.measures.registry import MEASURES
from binbench.measures.trend import LEAST, Points, depths, measured, predicted
from binbench.plugins.registry import ALGORITHMS
from binbench.records.machines import kind_of
from binbench.records.record import Record
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.subsets import Subset

RETENTION = "-retention"
#: Number of documents → the records of a method there, by seed.
BySize = dict[int, list[Record]]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for; None for no limit.

    Attributes:
        documents: to be searched.
        memory: bytes for all of them.
        measure: what quality is; ``…-retention`` for the share of float's.
        quality: that the lower end of its interval has to reach.
        latency, build: seconds per query, and for the index.
        training, rescore_store: whether methods may learn from documents, and keep a second copy of them.
    """

    documents: int
    memory: int | None = None
    measure: str = "recall@10"
    quality: float | None = None
    latency: float | None = None
    build: float | None = None
    training: bool = True
    rescore_store: bool = True

    @property
    def base(self) -> str:
        """The measure that values are taken of."""
        stem = self.measure.removesuffix(RETENTION)
        names = [name for name in MEASURES if name == stem or name.startswith(f"{stem}@")]
        if not names or not MEASURES[names[0]].larger_is_better:
            known = [name for name, one in MEASURES.items() if one.larger_is_better]
            raise unknown("measure", self.measure, [*known, *(name + RETENTION for name in known)])
        return f"{stem}@10" if f"{stem}@10" in names else names[0]

    @property
    def is_ratio(self) -> bool:
        """Whether it is a share of float's."""
        return self.measure.endswith(RETENTION)


@dataclass(frozen=True)
class Memory:
    """Bytes for the number of documents asked about: all of them by kind."""

    codes: int
    extras: int
    rescore: int
    shared: int

    @property
    def total(self) -> int:
        """The sum."""
        return self.codes + self.extras + self.rescore + self.shared


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A method with its query arguments, at the number of documents asked about.

    Attributes:
        method, instance, arguments: as in tables.
        memory: exact.
        quality: the mean with its 95 % interval.
        factor: how many times the largest size measured the number asked about is; 1 where it is within.
        seconds: per query, asked as `conditions` say; None where the method is not exhaustive and the number was not
            measured.
        conditions: of time: whether queries come singly or in batches, and the number of threads.
        machine: the kind that it was timed on.
        build: seconds for the index, in proportion to documents.
        check: what the same trend, from the smaller half of the sizes, gave for the largest, less what was measured.
        measured: number of documents → the mean there.
        misses: what it fails, with the amount; empty where it passes.
    """

    method: str
    instance: str
    arguments: dict[str, int]
    memory: Memory
    quality: Interval
    factor: float
    seconds: float | None
    conditions: str
    machine: str
    build: float | None
    check: float | None
    measured: dict[int, float]
    misses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Density:
    """How many documents a subset stands for: where judged ones come first, more than it holds.

    What decides how hard a query is, is how close its neighbours lie: the share of the whole set's nearest that a
    subset holds, times the whole.
    """

    embeddings: EmbeddingSet
    _known: dict[int, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, documents: int) -> float:
        total = len(self.embeddings.train)
        if documents >= total or self.embeddings.qrels is None:
            return float(documents)
        if documents not in self._known:
            rows = Subset(self.embeddings, documents, Path()).rows
            self._known[documents] = max(1.0, float(np.isin(self.embeddings.neighbors, rows).mean()) * total)
        return self._known[documents]


def candidate(found: Sequence[Record], siblings: Sequence[Record], wanted: Wanted, density: Density) -> Candidate:
    """What the records `found` of one method, and `siblings` with other query arguments, say about what is `wanted`.

    Raises:
        ValueError: they are of too few sizes to go beyond.
    """
    by_size: BySize = {}
    for record in found:
        by_size.setdefault(record.documents or 0, []).append(record)
    sizes = sorted(by_size)
    last = by_size[sizes[-1]][0]
    assert last.sizes is not None
    n, held = wanted.documents, last.sizes
    exhaustive = _exhaustive(last)
    check = None
    if n in by_size:
        values, reference = _values(by_size[n], wanted.base, wanted.is_ratio)
        stored = last.interval(wanted.base) if len(values) == 1 and not wanted.is_ratio else None
        quality = stored or measured(values, reference)
    elif last.instance == "float" and (wanted.is_ratio or MEASURES[wanted.base].against == "float"):
        quality = Interval(1.0, 1.0, 1.0)  # by definition
    else:
        points = _points(_tellers(by_size, siblings, wanted, exhaustive), wanted, density)
        quality = predicted(points, n)
        half = points.up_to(density(sizes[(len(sizes) - 1) // 2]))
        if len(set(half.sizes)) >= LEAST:
            check = predicted(half, sizes[-1]).estimate - _mean(by_size[sizes[-1]], wanted)
    made = Candidate(
        method=last.method,
        instance=last.instance,
        arguments=last.query_arguments,
        memory=Memory(
            codes=round(n * held.codes_bytes_per_vector),
            extras=round(n * held.extras_bytes_per_vector),
            rescore=round(n * held.rescore_bytes_per_vector),
            shared=held.shared_bytes,
        ),
        quality=quality,
        factor=max(1.0, n / sizes[-1]),
        seconds=_line(by_size, n, "seconds_per_query") if exhaustive or n in by_size else None,
        conditions=f"{'in batches' if last.batch else 'one at a time'}, threads: {last.threads}",
        machine=kind_of(record.provenance["machine"] for record in found),
        build=_line(by_size, n, "build_seconds") if exhaustive or n in by_size else None,
        check=check,
        measured={size: _mean(by_size[size], wanted) for size in sizes},
    )
    made.misses.update(_missed(made, last, wanted))
    return made


def _points(tellers: dict[int, BySize], wanted: Wanted, density: Density) -> Points:
    """The measure at every depth and size that `tellers` have."""
    points, references = [], []
    for depth, by_size in tellers.items():
        for size, records in by_size.items():
            if len(tellers) > 1:
                found = np.stack([_recall(record, density.embeddings, depth) for record in records])
            else:
                found, reference = _values(records, wanted.base, wanted.is_ratio)
                references += [] if reference is None else [reference]
            points.append((density(size), depth, found))
    sizes, depths, values = zip(*points, strict=True)
    seeds = min(map(len, values))
    return Points(
        np.array(sizes),
        np.array(depths),
        np.stack([one[:seeds] for one in values], axis=1),
        np.stack(references) if references else None,
        max(tellers),
    )


def _tellers(by_size: BySize, siblings: Sequence[Record], wanted: Wanted, exhaustive: bool) -> dict[int, BySize]:
    """Depth → the records by size whose ranking to that depth tells of larger corpora; last the one asked about.

    Where all documents are ranked by one score, any depth tells. Where so many are re-scored, a smaller depth tells
    what a larger corpus does where candidates are fewer in proportion: `siblings` with other arguments.
    """
    stem, _, number = wanted.base.partition("@")
    depth, last = int(number or 1), next(iter(by_size.values()))[0]
    found: dict[int, BySize] = {}
    if stem == "recall" and not wanted.is_ratio:
        asked = last.query_arguments.get("candidates")
        if asked is None and exhaustive:
            found = dict.fromkeys(depths(depth), by_size)
        elif asked is not None:
            for record in siblings:
                k, rest = divmod(depth * record.query_arguments["candidates"], asked)
                if (
                    not rest
                    and 0 < k < depth
                    and {**record.query_arguments, "candidates": asked} == last.query_arguments
                ):
                    found.setdefault(k, {}).setdefault(record.documents or 0, []).append(record)
    return {**found, depth: by_size}


def _recall(record: Record, embeddings: EmbeddingSet, depth: int) -> NDArray[np.float64]:
    """(Q,) recall of the stored answers at `depth`."""
    held = answers_of(record, embeddings)
    return recall(held.true_distances, held.distances, held.ids, depth, held.tolerance)


def _values(
    records: Sequence[Record], measure: str, is_ratio: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """(R, Q) values of one size, by seed; and float's (Q,), where the ratio is asked for."""
    found = [values for record in records if (values := record.values(measure)) is not None]
    reference = records[0].reference
    return np.stack(found), reference.values(measure) if is_ratio and reference is not None else None


def _mean(records: Sequence[Record], wanted: Wanted) -> float:
    found = float(np.mean([record.mean(wanted.base) for record in records]))
    reference = records[0].reference
    return found / (reference.mean(wanted.base) or np.nan) if wanted.is_ratio and reference is not None else found


def _line(by_size: BySize, at: int, name: str) -> float | None:
    """What grows with the documents, at `at`: a straight line through what was measured that starts at 0 or above."""
    known = [(size, getattr(one, name)) for size, found in by_size.items() for one in found]
    x, y = np.array([(size, value) for size, value in known if value is not None], dtype=np.float64).T
    if at in by_size or len(set(x)) < 2:
        return float(np.mean(y[x == at]) if at in by_size else y.mean() * at / x.mean())
    # Weighted so that the smallest sizes, where the overhead of a call shows, do not decide the slope.
    slope, offset = np.polyfit(x, y, 1, w=x)
    return float(slope * at + offset if offset >= 0 and slope >= 0 else (x @ y) / (x @ x) * at)


def _exhaustive(record: Record) -> bool:
    """Whether the method looks at every document, so that its time grows with them."""
    made = ALGORITHMS.get(record.instance).create(dimension=record.dimension, seed=0, metric=record.distance)
    return bool(getattr(made, "exhaustive", True))


def _missed(one: Candidate, record: Record, wanted: Wanted) -> dict[str, str]:
    """What `one` misses of what is asked for, and by how much."""
    found: dict[str, str] = {}
    limits = {
        "memory": (wanted.memory, one.memory.total, "bytes too many"),
        "latency": (wanted.latency, one.seconds, "seconds too slow"),
        "build": (wanted.build, one.build, "seconds too long"),
    }
    for what, (limit, value, unit) in limits.items():
        if limit is not None and value is None:
            found[what] = "unknown: times of graphs and lists are not extrapolated"
        elif limit is not None and value is not None and value > limit:
            found[what] = f"{value - limit:,{'' if isinstance(value, int) else '.3g'}} {unit}"
    if wanted.quality is not None and one.quality.low < wanted.quality:
        found["quality"] = f"{wanted.quality - one.quality.low:.3f} too low"
    if not wanted.training and record.facts.training_rows is not None:
        found["training"] = "learns from documents"
    if not wanted.rescore_store and one.memory.rescore:
        found["rescore store"] = "keeps a second copy of the vectors"
    return found
