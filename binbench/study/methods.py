"""The rows of a study: every method on every set, and `binary` against PQ at equal bytes."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from binbench.measures.bootstrap import seeds_ci
from binbench.measures.comparison import holm
from binbench.plugins.identity import code_identity
from binbench.records import Record
from binbench.records.pairs import budgets
from binbench.study.rows import Estimate, MethodRow, Pair

if TYPE_CHECKING:
    from binbench.study.study import Study, StudySet

#: What rows hold of a method.
SHOWN = (
    *(f"recall@{k}" for k in (1, 5, 10, 50, 100)),
    "ndcg@10",
    "overlap@10",
    "qrels_recall@10",
    "qrels_recall@100",
    "map@10",
    "mrr@10",
)
WITH_INTERVAL = ("recall@10", "ndcg@10", "overlap@10")


def method_rows(study: Study, chosen: Callable[[str], bool] = lambda family: True) -> tuple[MethodRow, ...]:
    """One row per set and method whose family is `chosen`."""
    return tuple(
        row
        for entry in study.sets
        for row in study.once(f"rows of {entry.name}", partial(_kept, study, "rows", [entry], partial(_rows, entry)))
        if chosen(row.family)
    )


def _kept(
    study: Study, name: str, of: Sequence[StudySet], compute: Callable[[], Any], kind: Any = list[MethodRow]
) -> Any:
    """What `compute` makes of some sets, kept beside the study: the intervals take longer than all else together."""
    key: dict[str, Any] = {"code": code_identity(method_rows), "of": [entry.inputs(study.results_dir) for entry in of]}
    return study.cached(name, key, kind, compute)


def _rows(entry: StudySet) -> list[MethodRow]:
    return [_row(entry, method) for method in entry.records]


def _row(entry: StudySet, method: str) -> MethodRow:
    records = entry.records[method]
    first = records[0]
    reference, ndcg = (entry.mean(name, "ndcg@10") for name in ("float", method))
    return MethodRow(
        **entry.labels(),
        method=method,
        instance=first.instance,
        family=first.family,
        seeds=len(records),
        documents=first.documents or 0,
        bytes_per_vector=first.bytes_per_vector or 0.0,
        shared_bytes=first.footprint.shared if first.footprint else 0,
        index_bytes=first.index_bytes or 0,
        means={measure: entry.mean(method, measure) for measure in SHOWN},
        intervals={measure: _interval(entry, method, measure) for measure in WITH_INTERVAL},
        spread={measure: _spread(entry.means(method, measure)) for measure in WITH_INTERVAL},
        retention=ndcg / reference if ndcg is not None and reference else None,
        queries_per_second=entry.median(method, lambda record: record.queries_per_second),
        mode="batch" if first.batch else "single query",
        threads=first.threads,
        train_seconds=entry.median(method, lambda record: record.train_seconds),
        build_seconds=entry.median(method, lambda record: record.build_seconds),
        training_rows=first.facts.training_rows,
        notes=tuple(sorted({note for record in records for note in record.facts.notes})),
        machine=_machine(entry, method),
        latency=latency(entry.singles.get(method, [])),
        flattered=any(record.undertrained for record in records),
    )


def latency(records: Sequence[Record]) -> dict[str, float]:
    """The percentiles of single queries, each the median over `records`."""
    names = dict.fromkeys(name for record in records for name in record.latency)
    return {name: statistics.median(one.latency[name] for one in records if name in one.latency) for name in names}


def _machine(entry: StudySet, method: str) -> str:
    from binbench.records.machines import kind_of

    timed = (*entry.records[method], *entry.singles.get(method, []))
    return kind_of(record.provenance["machine"] for record in timed)


def _interval(entry: StudySet, method: str, measure: str) -> Estimate | None:
    if len(entry.records[method]) == 1:
        return Estimate.of(entry.records[method][0].interval(measure))
    values = entry.values(method, measure)
    return None if values is None else Estimate.of(seeds_ci(values))


def _spread(means: Sequence[float]) -> float | None:
    return statistics.stdev(means) if len(means) > 1 else None


def pairs(study: Study) -> tuple[Pair, ...]:
    """`binary` against PQ at equal bytes per vector: one row per set and size, with paired intervals."""
    find = partial(_kept, study, "pairs", study.sets, lambda: _corrected(list(_pairs(study))), tuple[Pair, ...])
    return study.once("pairs", find)


def _corrected(found: Sequence[Pair]) -> tuple[Pair, ...]:
    """With p-values for testing them all."""
    corrected = holm([pair.p_value for pair in found])
    return tuple(replace(pair, corrected=float(p)) for pair, p in zip(found, corrected, strict=True))


def _pairs(study: Study) -> Iterator[Pair]:
    for entry in study.sets:
        for size, records, baseline in budgets(record for same in entry.records.values() for record in same):
            for method in dict.fromkeys(record.method for record in records if record.family == "binary"):
                if baseline and (pair := _pair(entry, size, method, baseline.method)):
                    yield pair


def _pair(entry: StudySet, size: float, binary: str, pq: str) -> Pair | None:
    recall, ndcg = (entry.contrast(binary, pq, measure) for measure in ("recall@10", "ndcg@10"))
    if recall is None:
        return None
    ours, theirs = (entry.median(method, lambda record: record.queries_per_second) for method in (binary, pq))
    return Pair(
        **entry.labels(),
        bits=entry.records[binary][0].parameters["bits"],
        bytes=int(size),
        binary=recall.mean_a,
        pq=recall.mean_b,
        ratio=Estimate.of(recall.ratio),
        difference=Estimate.of(recall.difference),
        p_value=recall.p_value,
        ndcg_ratio=None if ndcg is None else Estimate.of(ndcg.ratio),
        # Of times from different kinds of machines a ratio says nothing.
        speed_ratio=ours / theirs if theirs and _machine(entry, binary) == _machine(entry, pq) else None,
        documents=entry.records[pq][0].documents or 0,
        flattered=any(record.undertrained for record in entry.records[pq]),
    )


def conditions(rows: Iterable[MethodRow]) -> str:
    """What the speeds of `rows` were measured under."""
    found = sorted({(row.machine, row.threads, row.mode) for row in rows})
    return "; ".join(f"{kind}, {threads} thread{'s' * (threads > 1)}, {mode} mode" for kind, threads, mode in found)
