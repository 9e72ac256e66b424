"""A review of stored results, for people and for programs."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from binbench.harness.measures import MEASURES
from binbench.measures.bootstrap import Interval
from binbench.records.record import Record
from binbench.records.review import Contrast, Group


def show(groups: Sequence[Group]) -> None:
    """Print, for each group, the figures with their 95 % intervals and the comparisons, on stdout."""
    console = Console(width=None if sys.stdout.isatty() else 240)
    for group in groups:
        one = group.condition
        threads = f"{one.threads} thread{'s' if one.threads > 1 else ''}"
        console.print(
            f"{one.set}: {one.documents:,} documents, {one.queries:,} queries, k = {one.k}, {one.mode}, {threads}, "
            f"seed {one.stored_seed}",
            highlight=False,
        )
        console.print(_figures(group))
        if group.contrasts:
            console.print(_contrasts(group))
            console.print(
                "paired by query: 95 % bootstrap intervals, randomization tests, p by Holm over each measure's rows\n",
                highlight=False,
            )


def _figures(group: Group) -> Table:
    columns = ("recall@10", "over tie orders", "ndcg@10", "over tie orders", "overlap@10", "score error")
    table = _table("method", "codes B/vector", *columns)
    for record in group.records:
        if record.status != "ok" or record.sizes is None:
            table.add_row(record.method, f"{record.status}: {record.reason}")
            continue
        table.add_row(
            record.method,
            f"{record.sizes.codes_bytes_per_vector:g}",
            _interval(record.interval("recall@10")),
            _span(record, "recall@10"),
            _interval(record.interval("ndcg@10")),
            _span(record, "ndcg@10"),
            _interval(record.interval("overlap@10")),
            _interval(record.interval("score_error")),
        )
    return table


def _contrasts(group: Group) -> Table:
    table = _table("comparison", "measure", "difference", "ratio", "p", "p (Holm)", "wins/ties/losses")
    for contrast in group.contrasts:
        found = contrast.comparison
        table.add_row(
            f"{contrast.a.method} – {contrast.b.method}",
            contrast.measure,
            _interval(found.difference, signed=True),
            _interval(found.ratio),
            f"{found.p_value:.4f}",
            f"{contrast.p_holm:.4f}",
            f"{found.wins}/{found.ties}/{found.losses}",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table()
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def _interval(found: Interval | None, signed: bool = False) -> str:
    if found is None or math.isnan(found.estimate):
        return "–"
    form = "+.3f" if signed else ".3f"
    return f"{found.estimate:{form}} [{found.low:{form}}, {found.high:{form}}]"


def _span(record: Record, measure: str) -> str:
    low, high = record.mean(f"{measure}_low"), record.mean(f"{measure}_high")
    return "–" if low is None or high is None else f"{low:.3f} … {high:.3f}"


def as_json(groups: Sequence[Group], left_out: Sequence[str]) -> dict[str, Any]:
    """The whole review as JSON values; a figure that is not defined is null."""
    return {"groups": [_group(group) for group in groups], "left_out": list(left_out)}


def _group(group: Group) -> dict[str, Any]:
    one = group.condition
    return {
        "dataset": one.set,
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
                "measures": _measures(record),
            }
            for record in group.records
        ],
        "comparisons": [_contrast(contrast) for contrast in group.contrasts],
    }


def _measures(record: Record) -> dict[str, Any]:
    found = {name: record.interval(name) for name in MEASURES}
    return {name: _limits(interval) for name, interval in found.items() if interval is not None}


def _contrast(contrast: Contrast) -> dict[str, Any]:
    found = contrast.comparison
    return {
        "a": contrast.a.method,
        "b": contrast.b.method,
        "measure": contrast.measure,
        "queries": found.queries,
        "mean_a": _number(found.mean_a),
        "mean_b": _number(found.mean_b),
        "difference": _limits(found.difference),
        "ratio": _limits(found.ratio),
        "p_value": _number(found.p_value),
        "p_holm": _number(contrast.p_holm),
        "wins": found.wins,
        "ties": found.ties,
        "losses": found.losses,
    }


def _limits(interval: Interval) -> dict[str, float | None]:
    return {name: _number(value) for name, value in interval._asdict().items()}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
