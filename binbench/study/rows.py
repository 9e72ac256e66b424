"""What experiments count with: a set, a method on a set, `binary` against PQ on a set."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from binbench.records.record import ADVISED_PER_CENTROID
from binbench.study.thresholds import LARGE, MIN_DATASETS, MIN_ENCODERS


class Estimate(NamedTuple):
    """A figure with the limits of its 95 % interval; None where a limit is not defined."""

    value: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, interval: Sequence[Any] | None) -> Estimate | None:
        """From an interval with NaN for what is not defined; None where the figure itself is not."""
        if interval is None or math.isnan(interval[0]):
            return None
        low, high = (None if math.isnan(limit) else float(limit) for limit in interval[1:])
        return cls(float(interval[0]), low, high)


@dataclass(frozen=True, kw_only=True)
class SetRow:
    """What every row about an embedding set begins with.

    Attributes:
        tier: the first that asks for it.
        counted: whether its vectors are those of a trained embedding model; others are shown and decide nothing.
    """

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    set: str
    dataset: str
    encoder: str
    tier: int
    counted: bool


@dataclass(frozen=True, kw_only=True)
class MethodRow(SetRow):
    """A method on a set.

    Attributes:
        method, instance, family: the instance with its query arguments, without them, and what it is one of.
        seeds: over how many the figures are means.
        means, intervals: by the measure's name; None where it does not apply. Intervals hold queries and seeds.
        spread: the standard deviation over the seeds, likewise; None for a single one.
        retention: nDCG@10 as a share of float's.
        mode: ``batch`` or ``single query``.
        machine: the kind that it was timed on: processor and cores; all of them where seeds were on several.
        latency: percentiles of single queries in seconds, by ``p50`` and so on; empty where none were timed.
        flattered: trained on fewer points per centroid than faiss advises (:data:`MARK`).
    """

    method: str
    instance: str
    family: str
    seeds: int
    documents: int
    bytes_per_vector: float
    shared_bytes: int
    index_bytes: int
    means: Mapping[str, float | None]
    intervals: Mapping[str, Estimate | None]
    retention: float | None
    queries_per_second: float
    mode: str
    threads: int
    train_seconds: float | None
    build_seconds: float
    training_rows: int | None
    notes: tuple[str, ...]
    machine: str
    spread: Mapping[str, float | None] = field(default_factory=dict)
    latency: Mapping[str, float] = field(default_factory=dict)
    flattered: bool = False

    @property
    def recall(self) -> float:
        """recall@10 against the float ranking, NaN where there is none: what bands and switches look at."""
        found = self.means["recall@10"]
        return math.nan if found is None else found


@dataclass(frozen=True, kw_only=True)
class Pair(SetRow):
    """`binary` against PQ at equal bytes: recall@10 of both, and the contrasts, paired by query.

    Attributes:
        speed_ratio: of queries per second; None also where they were timed on different kinds of machines.
        p_value, corrected: of the difference, alone and by Holm's method among all the campaign's pairs.
        flattered: as for the PQ's :class:`MethodRow`.
    """

    bits: int
    bytes: int
    binary: float
    pq: float
    ratio: Estimate | None
    difference: Estimate | None
    p_value: float
    ndcg_ratio: Estimate | None
    speed_ratio: float | None
    corrected: float | None = None
    documents: int = 0
    flattered: bool = False


#: Marks what rests on codebooks that partly learned the documents themselves.
MARK = "†"
MARKED = (
    f"{MARK} trained on fewer than {ADVISED_PER_CENTROID} points per centroid: codebooks partly learn the documents"
)

Row = TypeVar("Row", bound=SetRow)
Method = TypeVar("Method", bound=MethodRow)
Sized = TypeVar("Sized", MethodRow, Pair)


def crossing(rows: Iterable[MethodRow], *bars: float) -> str:
    """Which of `bars` intervals of recall@10 cross, so that other queries or seeds may decide otherwise, in words."""
    found: dict[float, list[str]] = {}
    for row in rows:
        limits = row.intervals["recall@10"]
        for bar in bars:
            if limits and limits.low is not None and limits.high is not None and limits.low < bar <= limits.high:
                found.setdefault(bar, []).append(f"{row.set} [{limits.low:.3f}, {limits.high:.3f}]")
    return "; ".join(f"the interval crosses {bar} on {', '.join(where)}" for bar, where in found.items())


def with_recall(rows: Iterable[Method]) -> list[Method]:
    """The rows that have a recall@10."""
    return [row for row in rows if row.means["recall@10"] is not None]


def large(rows: Iterable[Sized]) -> list[Sized]:
    """The rows that verdicts about PQ rest on: those of sets of many documents where there are any, otherwise all."""
    kept = list(rows)
    return [row for row in kept if row.documents >= LARGE] or kept


def resting(rows: Iterable[Sized], encoders: int = MIN_ENCODERS) -> list[Sized]:
    """The rows that bands about PQ rest on: those of large sets where these are enough for a band, otherwise all."""
    kept = list(rows)
    return kept if uncovered(own := large(kept), encoders=encoders) else own


def sized(rows: Iterable[Sized]) -> str:
    """Which sets a verdict about PQ rests on, in words."""
    kept = {row.set: row.documents for row in rows}
    small = [name for name, documents in kept.items() if documents < LARGE]
    if not small:
        return f"on sets of {LARGE:,} documents or more: {', '.join(kept) or 'none'}"
    which = "all" if len(small) == len(kept) else ", ".join(small)
    return f"on sets of fewer than {LARGE:,} documents too ({which}), which flatter PQ"


def decided(pairs: Iterable[Pair]) -> list[tuple[Pair, Estimate]]:
    """The pairs whose ratio is defined, with it."""
    return [(pair, pair.ratio) for pair in pairs if pair.ratio is not None]


def best_of(rows: Iterable[Method], methods: Sequence[str]) -> list[Method]:
    """Per set, the row of the one of `methods` with the highest recall@10."""
    best: dict[str, Method] = {}
    for row in with_recall(rows):
        if row.method in methods and (row.set not in best or row.recall > best[row.set].recall):
            best[row.set] = row
    return list(best.values())


def datasets_reaching(rows: Sequence[MethodRow], bar: float) -> tuple[list[str], list[str]]:
    """The datasets whose recall@10, the mean over the encoders, is at least `bar`; and all datasets."""
    recalls: dict[str, list[float]] = {}
    for row in rows:
        recalls.setdefault(row.dataset, []).append(row.recall)
    return [name for name, own in recalls.items() if sum(own) / len(own) >= bar], list(recalls)


def by_set(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """The rows of each set."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.set, []).append(row)
    return found


def recalls(rows: Iterable[MethodRow]) -> str:
    """The recall@10 of `rows`, in words."""
    return ", ".join(f"{row.set} {row.recall:.3f} ({row.method})" for row in rows)


def counting(rows: Iterable[Row], tier: int | None = None) -> list[Row]:
    """The rows of sets that bands and switches may rest on, of `tier` only where it is given."""
    return [row for row in rows if row.counted and tier in (None, row.tier)]


def uncovered(rows: Iterable[SetRow], datasets: int = MIN_DATASETS, encoders: int = MIN_ENCODERS) -> str:
    """Why `rows` are too few for a band; empty where they hold so many encoders, each on the same so many datasets."""
    covered: dict[str, set[str]] = {}
    for row in counting(rows):
        covered.setdefault(row.encoder, set()).add(row.dataset)
    blocks = itertools.combinations(covered.values(), encoders)
    if any(len(set.intersection(*block)) >= datasets for block in blocks):
        return ""
    return f"needs {datasets} datasets × {encoders} embedding models, every one with every other; there are " + (
        ", ".join(f"{name} on {', '.join(sorted(own))}" for name, own in covered.items()) or "none"
    )


def is_device(name: str, reference: str) -> bool:
    """Whether the device called `name` is the `reference`: named by it as a whole word (an RTX A1000 is no A100)."""
    return re.search(rf"(?<!\w){re.escape(reference)}(?!\w)", name, re.IGNORECASE) is not None


def hours_by_device(spent: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """The sum of hours by device."""
    found: dict[str, float] = {}
    for own in spent:
        for device, hours in own.items():
            found[device] = found.get(device, 0.0) + hours
    return found
