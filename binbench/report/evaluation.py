"""A review of stored results, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from binbench.measures.registry import MEASURES
from binbench.records.record import Record
from binbench.records.review import Contrast, Group
from binbench.report.render import Table, made, show
from binbench.report.values import as_json, shown

_PAIRED = "paired by query: 95 % bootstrap intervals, randomization tests, p by Holm over each measure's rows"


def show_review(groups: Sequence[Group]) -> None:
    """Print, for each group, the figures with their 95 % intervals and the comparisons, on stdout."""
    show([table for group in groups for table in (_figures(group), _contrasts(group)) if table.lines])


def _figures(group: Group) -> Table:
    one = group.condition
    threads = f"{one.threads} thread{'s' if one.threads > 1 else ''}"
    lines, notes = [], []
    for record in group.records:
        if record.status != "ok" or record.sizes is None:
            lines.append([record.method, record.status, *[""] * 6])
            notes.append(f"{record.method}: {record.reason}")
            continue
        recall, ndcg, overlap, error = (
            shown(record.interval(name)) for name in ("recall@10", "ndcg@10", "overlap@10", "score_error")
        )
        spans = [_span(record, "recall@10"), _span(record, "ndcg@10")]
        lines.append([record.method, f"{record.sizes.codes_bytes_per_vector:g}", recall, ndcg, overlap, *spans, error])
    # From the most important to the least: a narrow terminal shows the first.
    header = ("recall@10", "ndcg@10", "overlap@10", "recall@10 over tie orders", "ndcg@10 over tie orders")
    return made(
        f"{one.set}: {one.documents:,} documents, {one.queries:,} queries, k = {one.k}, {one.mode}, {threads}, "
        f"seed {one.stored_seed}",
        ("method", "codes B/vector", *header, "score error"),
        lines,
        notes,
    )


def _contrasts(group: Group) -> Table:
    header = ("comparison", "measure", "difference", "p (Holm)", "ratio", "wins/ties/losses", "p")
    lines = [
        [
            f"{contrast.a.method} – {contrast.b.method}",
            contrast.measure,
            shown(contrast.comparison.difference, "+.3f"),
            f"{contrast.p_holm:.4f}",
            shown(contrast.comparison.ratio),
            f"{contrast.comparison.wins}/{contrast.comparison.ties}/{contrast.comparison.losses}",
            f"{contrast.comparison.p_value:.4f}",
        ]
        for contrast in group.contrasts
    ]
    return made("", header, lines, notes=[_PAIRED])


def _span(record: Record, measure: str) -> str:
    low, high = record.mean(f"{measure}_low"), record.mean(f"{measure}_high")
    return "–" if low is None or high is None else f"{low:.3f} … {high:.3f}"


def review_as_json(groups: Sequence[Group], left_out: Sequence[str]) -> dict[str, Any]:
    """The whole review as JSON values; a figure that is not defined is null."""
    return {"groups": [_group(group) for group in groups], "left_out": list(left_out)}


def _group(group: Group) -> dict[str, Any]:
    one = group.condition
    return {
        "dataset": one.set,
        "documents": one.documents,
        "count": one.k,
        "mode": one.mode,
        "threads": one.threads,
        "seed": one.stored_seed,
        "results": [
            {
                "name": record.method,
                "instance": record.instance,
                "query_arguments": record.query_arguments,
                "path": str(record.path),
                "status": record.status,
                "reason": record.reason,
                "measures": {name: as_json(found) for name in MEASURES if (found := record.interval(name)) is not None},
            }
            for record in group.records
        ],
        "comparisons": [_contrast(contrast) for contrast in group.contrasts],
    }


def _contrast(contrast: Contrast) -> dict[str, Any]:
    names = {"a": contrast.a.method, "b": contrast.b.method, "measure": contrast.measure}
    return names | as_json(contrast.comparison) | {"p_holm": as_json(contrast.p_holm)}
