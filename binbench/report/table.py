"""Results as a table."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.table import Table

from binbench.embeddings import EmbeddingSet
from binbench.harness.evaluation import evaluate
from binbench.harness.results import Result

COLUMNS = ("method", "bytes/vector", "total MB", "recall@10", "nDCG@10", "retention", "queries/s", "build s")


def show(results: Sequence[Result], sets: dict[str, EmbeddingSet]) -> None:
    """Print one table per set, k, mode and threads on stdout."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    for key, group in groupby(results, key=_group):
        rows = list(group)
        console.print(_title(rows[0], sets[key[0]]), highlight=False)
        console.print(_table(rows, sets[key[0]]))


def _group(result: Result) -> tuple[str, int, bool, int, int]:
    return result["dataset"], result["count"], result["batch_mode"], result["threads"], result["seed"]


def _title(first: Result, embeddings: EmbeddingSet) -> str:
    mode = "batch" if first["batch_mode"] else "single query"
    return (
        f"{embeddings.name}: {len(embeddings.train):,} documents × {embeddings.train.shape[1]}, "
        f"{len(embeddings.test):,} queries, k = {first['count']}, {mode}, "
        f"{first['threads']} thread{'s' if first['threads'] > 1 else ''}, seed {first['seed']}"
    )


def _table(results: Sequence[Result], embeddings: EmbeddingSet) -> Table:
    table = Table()
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "method" else "right", no_wrap=True)
    reference = next((r for r in results if r["instance"] == "float" and r.status == "ok"), None)
    ceiling = evaluate(reference, embeddings).mean("ndcg@10") if reference else None
    for result in results:
        table.add_row(*_row(result, embeddings, ceiling))
    return table


def _row(result: Result, embeddings: EmbeddingSet, ceiling: float | None) -> list[str]:
    if result.status != "ok":
        return [result["name"], f"{result.status}: {result['reason']}"]
    figures = evaluate(result, embeddings)
    ndcg = figures.mean("ndcg@10")
    return [
        result["name"],
        f"{result['footprint']['codes_bytes_per_vector']:g}",
        f"{result['index_bytes'] / 1e6:.2f}",
        _number(figures.mean("recall@10")),
        _number(ndcg),
        f"{ndcg / ceiling:.1%}" if ndcg is not None and ceiling else "–",
        f"{result['queries_per_second']:,.0f}",
        f"{result['build_time']:.2f}",
    ]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
