"""Figures made up to lie where a test wants them."""

from __future__ import annotations

from typing import Any


def method_row(dataset: str, encoder: str, method: str, recall: float, **given: Any) -> dict[str, Any]:
    """A row as :func:`binbench.study.retrieval.method_rows` makes them."""
    size = float("".join(c for c in method if c.isdigit()) or 0)
    row = {
        "set": f"{dataset}-{encoder}",
        "dataset": dataset,
        "encoder": encoder,
        "tier": 1,
        "method": method,
        "instance": method,
        "family": method.rstrip("0123456789"),
        "seeds": 1,
        "documents": 1000,
        "queries": 50,
        "dimension": 384,
        "bytes_per_vector": size / 8 if method.startswith("binary") else size,
        "shared_bytes": 0,
        "index_bytes": 1000,
        **{f"recall@{k}": recall for k in (1, 5, 10, 50, 100)},
        "ndcg@10": 0.6 * recall,
        "overlap@10": recall,
        "qrels_recall@10": recall,
        "qrels_recall@100": recall,
        "map@10": recall,
        "intervals": {"recall@10": [recall, recall - 0.02, recall + 0.02], "ndcg@10": None, "overlap@10": None},
        "retention": recall,
        "queries_per_second": 1000.0,
        "batch": True,
        "threads": 1,
        "train_seconds": 1.0,
        "build_seconds": 2.0,
        "training_rows": 1000,
        "notes": [],
        "cpu": "CPU",
    }
    return row | given


def iso_row(dataset: str, encoder: str, bits: int, binary: float, pq: float, width: float = 0.02) -> dict[str, Any]:
    """A row as :func:`binbench.study.retrieval.iso_memory` makes them."""
    ratio = binary / pq
    return {
        "set": f"{dataset}-{encoder}",
        "dataset": dataset,
        "encoder": encoder,
        "tier": 1,
        "bits": bits,
        "bytes": bits // 8,
        "binary": binary,
        "pq": pq,
        "ratio": [ratio, ratio - width, ratio + width],
        "difference": [binary - pq, binary - pq - width, binary - pq + width],
        "p_value": 0.01,
        "ndcg_ratio": None,
        "ndcg_difference": None,
        "speed_ratio": 2.0,
    }
