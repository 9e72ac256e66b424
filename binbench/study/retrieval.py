"""Rows about methods on sets: what E3, E5, E6 and the report count with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from binbench.measures.bootstrap import mean_ci
from binbench.measures.comparison import Comparison, compare
from binbench.records.compare import compare as compare_records
from binbench.study.experiment import Figures, Table, interval, number, table
from binbench.study.study import Study, StudySet

RECALLS = ("recall@1", "recall@5", "recall@10", "recall@50", "recall@100")
WITH_INTERVAL = ("recall@10", "ndcg@10", "overlap@10")
#: Bits and bytes of the pairs that take the same memory.
ISO_MEMORY = ((64, 8), (128, 16), (256, 32), (512, 64))

Row = dict[str, Any]


def method_rows(study: Study, chosen: Callable[[str], bool] = lambda family: True) -> list[Row]:
    """One row per set and method whose family is `chosen`."""
    return [
        _row(entry, method)
        for entry in study.sets
        for method, results in entry.results.items()
        if chosen(results[0].family)
    ]


def _row(entry: StudySet, method: str) -> Row:
    results = entry.results[method]
    first, footprint = results[0], results[0].footprint
    assert footprint is not None
    reference = entry.mean("float", "ndcg@10")
    ndcg = entry.mean(method, "ndcg@10")
    return entry.labels() | {
        "method": method,
        "instance": first.instance,
        "family": first.family,
        "seeds": len(results),
        "documents": first.documents,
        "queries": first.queries,
        "dimension": first.dimension,
        "bytes_per_vector": first.bytes_per_vector,
        "codes_bytes_per_vector": footprint.codes,
        "shared_bytes": footprint.shared,
        "index_bytes": first.index_bytes,
        **{measure: entry.mean(method, measure) for measure in (*RECALLS, "ndcg@10", "overlap@10", "qrels_recall@10")},
        "qrels_recall@100": entry.mean(method, "qrels_recall@100"),
        "map@10": entry.mean(method, "map@10"),
        "intervals": {measure: _interval(entry, method, measure) for measure in WITH_INTERVAL},
        "retention": ndcg / reference if ndcg is not None and reference else None,
        "queries_per_second": float(np.median([result.queries_per_second for result in results])),
        "batch": first.batch,
        "threads": first.threads,
        "train_seconds": float(np.median([result.train_seconds for result in results])),
        "build_seconds": float(np.median([result.build_seconds for result in results])),
        "encode_seconds": float(np.median([result.facts.encode_seconds or np.nan for result in results])),
        "training_rows": first.facts.training_rows,
        "notes": sorted({note for result in results for note in result.facts.notes}),
        "cpu": first.provenance["machine"]["cpu"],
    }


def _interval(entry: StudySet, method: str, measure: str) -> list[float] | None:
    if len(entry.results[method]) == 1:
        found = entry.results[method][0].interval(measure)
        return None if found is None else list(found)
    values = entry.values(method, measure)
    return None if values is None else list(mean_ci(values))


def contrast(entry: StudySet, a: str, b: str, measure: str) -> Comparison | None:
    """Method `a` against `b` query by query; None where either or the measure is missing."""
    if a not in entry.results or b not in entry.results:
        return None
    if entry.mean(a, measure) is None or entry.mean(b, measure) is None:
        return None
    ours, theirs = entry.results[a], entry.results[b]
    if len(ours) == len(theirs) == 1:
        return compare_records(ours[0], theirs[0], measure)
    left, right = entry.values(a, measure), entry.values(b, measure)
    assert left is not None
    assert right is not None
    return compare(left, right)


def iso_memory(study: Study) -> list[Row]:
    """Binary against PQ at equal bytes per vector: one row per set and size, with paired intervals."""
    rows = []
    for entry in study.sets:
        for bits, size in ISO_MEMORY:
            binary, pq = f"binary{bits}", f"pq{size}"
            recall = contrast(entry, binary, pq, "recall@10")
            if recall is None:
                continue
            ndcg = contrast(entry, binary, pq, "ndcg@10")
            speeds = [
                float(np.median([result.queries_per_second for result in entry.results[method]]))
                for method in (binary, pq)
            ]
            rows.append(
                entry.labels()
                | {
                    "bits": bits,
                    "bytes": size,
                    "binary": recall.mean_a,
                    "pq": recall.mean_b,
                    "ratio": list(recall.ratio),
                    "difference": list(recall.difference),
                    "p_value": recall.p_value,
                    "ndcg_ratio": None if ndcg is None else list(ndcg.ratio),
                    "ndcg_difference": None if ndcg is None else list(ndcg.difference),
                    "speed_ratio": speeds[0] / speeds[1] if speeds[1] else None,
                }
            )
    return rows


def best_of(rows: Sequence[Row], instances: Sequence[str]) -> list[Row]:
    """Per set, the row of the one of `instances` with the highest recall@10."""
    best: dict[str, Row] = {}
    for row in rows:
        if row["method"] in instances and row["recall@10"] is not None:
            held = best.get(row["set"])
            if held is None or row["recall@10"] > held["recall@10"]:
                best[row["set"]] = row
    return list(best.values())


def quality_table(rows: Sequence[Row], title: str) -> Table:
    """The recalls, nDCG@10, bytes and times of `rows`."""
    columns = (
        "set",
        "method",
        "bytes/vector",
        "recall@1",
        "@5",
        "@10 [95 % CI]",
        "@50",
        "@100",
        "overlap@10",
        "nDCG@10 [95 % CI]",
        "retention",
        "queries/s",
        "build s",
    )
    return table(
        title,
        columns,
        [
            [
                row["set"],
                row["method"],
                f"{row['bytes_per_vector']:g}",
                number(row["recall@1"]),
                number(row["recall@5"]),
                interval(row["intervals"]["recall@10"]),
                number(row["recall@50"]),
                number(row["recall@100"]),
                number(row["overlap@10"]),
                interval(row["intervals"]["ndcg@10"]),
                number(row["retention"], ".1%"),
                number(row["queries_per_second"], ",.0f"),
                number(row["build_seconds"], ".2f"),
            ]
            for row in sorted(rows, key=lambda row: (row["tier"], row["set"], row["bytes_per_vector"], row["method"]))
        ],
    )


def iso_table(rows: Sequence[Row]) -> Table:
    """Binary against PQ at equal bytes."""
    return table(
        "Binary against PQ at equal bytes per vector, paired by query (95 % bootstrap intervals)",
        (
            "set",
            "bytes",
            "binary recall@10",
            "PQ recall@10",
            "ratio",
            "difference",
            "p",
            "nDCG@10 ratio",
            "speed ratio",
        ),
        [
            [
                row["set"],
                f"{row['bytes']}",
                number(row["binary"]),
                number(row["pq"]),
                interval(row["ratio"], ".2f"),
                interval(row["difference"], "+.3f"),
                number(row["p_value"], ".4f"),
                interval(row["ndcg_ratio"], ".2f"),
                number(row["speed_ratio"], ".1f"),
            ]
            for row in rows
        ],
    )


def conditions(figures: Figures) -> str:
    """What the speeds of `figures` were measured under."""
    found = {
        (row["cpu"], row["threads"], "batch" if row["batch"] else "single query") for row in figures.get("methods", [])
    }
    return "; ".join(
        f"{cpu}, {threads} thread{'s' * (threads > 1)}, {mode} mode" for cpu, threads, mode in sorted(found)
    )
