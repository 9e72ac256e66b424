"""A review of stored results, for people and for programs."""

from __future__ import annotations

import math
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from binbench.harness.evaluation import MEASURES, Figures, Interval
from binbench.harness.review import Contrast, Group, Review


def show(review: Review) -> None:
    """Print, for each group, the figures with their 95 % intervals and the comparisons, on stdout."""
    console = Console(width=None if sys.stdout.isatty() else 240)
    for group in review.groups:
        threads = f"{group.threads} thread{'s' if group.threads > 1 else ''}"
        console.print(
            f"{group.embeddings.name}: {len(group.embeddings.train):,} documents, {len(group.embeddings.test):,} "
            f"queries, k = {group.count}, {group.mode}, {threads}, seed {group.seed}",
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
    for result in group.results:
        if result.status != "ok":
            table.add_row(result["name"], f"{result.status}: {result['reason']}")
            continue
        figures = group.figures[result.path]
        table.add_row(
            result["name"],
            f"{result['footprint']['codes_bytes_per_vector']:g}",
            _interval(figures.interval("recall@10")),
            _span(figures, "recall@10"),
            _interval(figures.interval("ndcg@10")),
            _span(figures, "ndcg@10"),
            _interval(figures.interval("overlap@10")),
            _interval(figures.interval("score_error")),
        )
    return table


def _contrasts(group: Group) -> Table:
    table = _table("comparison", "measure", "difference", "ratio", "p", "p (Holm)", "wins/ties/losses")
    for contrast in group.contrasts:
        found = contrast.comparison
        table.add_row(
            f"{contrast.a['name']} – {contrast.b['name']}",
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


def _span(figures: Figures, measure: str) -> str:
    low, high = figures.mean(f"{measure}_low"), figures.mean(f"{measure}_high")
    return "–" if low is None or high is None else f"{low:.3f} … {high:.3f}"


def as_json(review: Review) -> dict[str, Any]:
    """The whole review as JSON values; a figure that is not defined is null."""
    return {"groups": [_group(group) for group in review.groups], "left_out": review.left_out}


def _group(group: Group) -> dict[str, Any]:
    return {
        "dataset": group.embeddings.name,
        "count": group.count,
        "mode": group.mode,
        "threads": group.threads,
        "seed": group.seed,
        "results": [
            {
                "name": result["name"],
                "instance": result["instance"],
                "query_arguments": result["query_arguments"],
                "path": str(result.path),
                "status": result.status,
                "reason": result["reason"],
                "measures": _measures(group.figures.get(result.path)),
            }
            for result in group.results
        ],
        "comparisons": [_contrast(contrast) for contrast in group.contrasts],
    }


def _measures(figures: Figures | None) -> dict[str, Any]:
    found = {name: figures.interval(name) for name in MEASURES} if figures else {}
    return {name: _limits(interval) for name, interval in found.items() if interval is not None}


def _contrast(contrast: Contrast) -> dict[str, Any]:
    found = contrast.comparison
    return {
        "a": contrast.a["name"],
        "b": contrast.b["name"],
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
