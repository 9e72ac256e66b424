"""What experiments count with: a set, a method on a set, `binary` against PQ on a set."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, TypeVar

from binbench.study.thresholds import MIN_DATASETS, MIN_ENCODERS


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
    """What every row about an embedding set begins with."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}

    set: str
    dataset: str
    encoder: str
    tier: int


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
    cpu: str
    spread: Mapping[str, float | None] = field(default_factory=dict)

    @property
    def recall(self) -> float:
        """recall@10 against the float ranking, NaN where there is none: what bands and switches look at."""
        found = self.means["recall@10"]
        return math.nan if found is None else found


@dataclass(frozen=True, kw_only=True)
class Pair(SetRow):
    """`binary` against PQ at equal bytes: recall@10 of both, and the contrasts, paired by query."""

    bits: int
    bytes: int
    binary: float
    pq: float
    ratio: Estimate | None
    difference: Estimate | None
    p_value: float
    ndcg_ratio: Estimate | None
    speed_ratio: float | None


Row = TypeVar("Row", bound=SetRow)
Method = TypeVar("Method", bound=MethodRow)


def crossing(rows: Iterable[MethodRow], *bars: float) -> list[str]:
    """Which of `bars` the interval of recall@10 crosses, so that another draw may fall on the other side, in words."""
    found = []
    for row in rows:
        limits = row.intervals["recall@10"]
        for bar in bars:
            if limits and limits.low is not None and limits.high is not None and limits.low < bar <= limits.high:
                shown = f"{row.recall:.3f} [{limits.low:.3f}, {limits.high:.3f}]"
                found.append(f"between the bands because the interval crosses {bar}: {row.method} on {row.set} {shown}")
    return found


def with_recall(rows: Iterable[Method]) -> list[Method]:
    """The rows that have a recall@10."""
    return [row for row in rows if row.means["recall@10"] is not None]


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


def uncovered(rows: Iterable[SetRow], datasets: int = MIN_DATASETS, encoders: int = MIN_ENCODERS) -> str:
    """Why `rows` are too few for a band; empty where they are enough."""
    pairs = [(row.dataset, row.encoder) for row in rows]
    have = [len(set(names)) for names in zip(*pairs, strict=True)] or [0, 0]
    if have[0] >= datasets and have[1] >= encoders:
        return ""
    return f"needs at least {datasets} datasets and {encoders} encoders; there are {have[0]} and {have[1]}"


def hours_by_device(spent: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    """Hours of embedding per device, of sets with their device and hours."""
    found: dict[str, float] = {}
    for device, hours in spent:
        if hours is not None:
            found[device] = found.get(device, 0.0) + hours
    return found
