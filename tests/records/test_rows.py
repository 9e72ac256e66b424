"""Rows of columns: what a stored result shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from measured import REASON, Stored, by_method, rows_of
from raw import Raw

from binbench.records.columns import COLUMNS


def test_one_row_per_result_with_every_column(stored: Stored) -> None:
    rows = rows_of(stored)
    # Four methods in batch mode, hnsw with three values of ef_search, two in single mode, two without answers.
    assert len(rows) == 4 + 3 + 2 + 2
    assert all(list(row) == list(COLUMNS) for row in rows)


def test_recall_is_what_brute_force_finds(stored: Stored) -> None:
    embeddings = stored.embeddings
    truth = np.argsort(-(embeddings.test @ embeddings.train.T), axis=1, kind="stable")[:, :10]
    row = by_method(rows_of(stored))["binary64"]
    found = Raw(stored.results_dir / row["file"]).neighbors[:, :10]
    hits = [len(set(a.tolist()) & set(b.tolist())) / 10 for a, b in zip(truth, found, strict=True)]
    assert row["recall@10"] == pytest.approx(np.mean(hits))
    assert row["recall@10_ci_low"] < row["recall@10"] < row["recall@10_ci_high"]


def test_bytes_are_added_up(stored: Stored) -> None:
    rows = by_method(rows_of(stored))
    assert rows["float"]["bytes_per_vector"] == 64
    assert rows["float"]["index_bytes"] == 400 * 64
    assert rows["float"]["compression"] == 1
    assert rows["pq8"]["bytes_per_vector"] == rows["binary64"]["bytes_per_vector"] == 8
    assert rows["pq8"]["shared_bytes"] == 256 * 16 * 4
    assert rows["binary64"]["compression"] == 8


def test_retention_is_the_ratio_to_float(stored: Stored) -> None:
    rows = by_method(rows_of(stored))
    assert (rows["float"]["retention"], rows["float"]["retention_ci_low"]) == (1, 1)
    binary = rows["binary64"]
    assert binary["retention"] == pytest.approx(binary["ndcg@10"] / rows["float"]["ndcg@10"])
    assert binary["retention_ci_low"] < binary["retention"] < binary["retention_ci_high"]
    assert 0 < binary["retention_p_value"] <= 1


def test_failures_have_a_reason_and_no_figures(stored: Stored) -> None:
    row = by_method(rows_of(stored))["opq8"]
    assert (row["status"], row["reason"]) == ("timeout", REASON)
    figures = {
        group: [name for name in COLUMNS if COLUMNS[name].group == group] for group in ("quality", "memory", "speed")
    }
    assert all(figures.values())
    for names in figures.values():
        assert {name: row[name] for name in names} == dict.fromkeys(names)
    assert (row["documents"], row["queries"], row["dimension"]) == (400, 20, 16)


def test_latency_comes_from_single_mode_only(stored: Stored) -> None:
    rows = rows_of(stored)
    assert by_method(rows)["binary64"]["latency_p50"] is None
    single = by_method(rows, "single")["binary64"]
    assert 0 < single["latency_p50"] <= single["latency_p95"] <= single["latency_p99.9"]


def test_figures_need_no_set(stored: Stored) -> None:
    """Other vectors under the set's name, say, or no data folder at all: what was measured was measured."""
    first, without = by_method(rows_of(stored)), by_method(rows_of(stored, Path("/nowhere")))
    assert dict(without["binary64"]) == dict(first["binary64"])
