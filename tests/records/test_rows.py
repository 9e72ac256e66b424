"""Rows of columns: what a stored result shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from commands import binbench
from measured import REASON, Stored, make_set
from raw import Raw

from binbench.errors import UserError
from binbench.harness.figures import evaluate
from binbench.records import compare, read, store
from binbench.records.columns import COLUMNS, describe
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.records.store import INDEX, write_index


def by_method(rows: list[Row], mode: str = "batch") -> dict[str, Row]:
    return {row["method"]: row for row in rows if row["mode"] == mode}


def rows_of(stored: Stored, data_dir: Path | None = None) -> list[Row]:
    return read_rows(stored.results_dir, data_dir or stored.data_dir)


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
    for name, column in COLUMNS.items():
        if column.group in ("quality", "memory", "speed"):
            assert row[name] is None, name
    assert (row["documents"], row["queries"], row["dimension"]) == (400, 20, 16)


def test_latency_comes_from_single_mode_only(stored: Stored) -> None:
    rows = rows_of(stored)
    assert by_method(rows)["binary64"]["latency_p50"] is None
    single = by_method(rows, "single")["binary64"]
    assert 0 < single["latency_p50"] <= single["latency_p95"] <= single["latency_p99.9"]


def snapshot(folder: Path) -> dict[Path, tuple[int, int]]:
    """Every file below `folder` with its size and time of change."""
    return {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*")}


def test_the_index_saves_opening_results(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    first = list(map(dict, rows_of(stored)))
    write_index(stored.results_dir)

    def fail(*_: Any) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(store, "_opened", fail)
    assert list(map(dict, rows_of(stored))) == first
    assert list(map(dict, rows_of(stored, Path("/nowhere")))) == first


@pytest.mark.parametrize(
    "verb",
    [["table"], ["table", "--iso-memory"], ["plot"], ["export"], ["export", "--format", "trec"], ["site", "public"]],
)
def test_what_renders_writes_nothing_below_the_results(stored: Stored, tmp_path: Path, verb: list[str]) -> None:
    for index in stored.results_dir.glob(".*"):
        index.unlink()
    before = snapshot(stored.results_dir)
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    done = binbench(*verb, *folders, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert snapshot(stored.results_dir) == before


def test_a_changed_result_is_read_again(stored: Stored) -> None:
    before = by_method(rows_of(stored))["int8"]
    path = stored.results_dir / before["file"]
    import h5py

    with h5py.File(path, "r+") as file:
        file.attrs["build_time"] = 123.0
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert by_method(rows_of(stored))["int8"]["build_seconds"] == 123


def test_a_removed_result_leaves_no_row(stored: Stored) -> None:
    row = by_method(rows_of(stored))["int8"]
    (stored.results_dir / row["file"]).unlink()
    assert "int8" not in by_method(rows_of(stored))


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": 1}', '{"schema": 0, "files": {"a": 1}}'])
def test_a_broken_index_does_no_harm(stored: Stored, content: str) -> None:
    first = list(map(dict, rows_of(stored)))
    (stored.results_dir / INDEX).write_text(content)
    assert list(map(dict, rows_of(stored))) == first
    write_index(stored.results_dir)
    assert list(map(dict, rows_of(stored))) == first


def test_figures_need_no_set(stored: Stored) -> None:
    """Other vectors under the set's name, say, or no data folder at all: what was measured was measured."""
    first, without = by_method(rows_of(stored)), by_method(rows_of(stored, Path("/nowhere")))
    assert dict(without["binary64"]) == dict(first["binary64"])


def test_results_of_the_version_before_are_shown_without_figures(stored: Stored) -> None:
    path = stored.results_dir / by_method(rows_of(stored))["binary64"]["file"]
    with h5py.File(path, "a") as file:
        del file["figures"]
        for name in ("figures", "contrasts", "origin"):
            del file.attrs[name]
        file.attrs["schema_version"] = 1
    row = by_method(rows_of(stored))["binary64"]
    assert row["recall@10"] is None
    assert row["queries_per_second"] > 0
    assert row["notes"] == ["no figures yet; `binbench evaluate` computes them"]
    assert evaluate(stored.results_dir, stored.data_dir)[1] == []
    assert by_method(rows_of(stored))["binary64"]["recall@10"] > 0


def test_other_vectors_under_the_same_name_are_noticed(stored: Stored, tmp_path: Path) -> None:
    make_set(tmp_path / "data" / "small.hdf5", seed=4)
    row = by_method(rows_of(stored, tmp_path / "data"))["binary64"]
    assert "measured on other vectors than small holds now" in row["notes"]
    _, left_out = evaluate(stored.results_dir, tmp_path / "data")
    assert len(left_out) == len(list(stored.results_dir.rglob("*.hdf5")))


def test_an_unreadable_file_is_a_row(stored: Stored) -> None:
    path = next(stored.results_dir.rglob("int8_*.hdf5"))
    path.write_bytes(path.read_bytes()[:100])
    row = next(row for row in rows_of(stored) if row["status"] == "unreadable")
    assert (row["set"], row["family"], row["instance"], row["k"], row["mode"]) == ("small", "int8", "int8", 20, "batch")
    assert "not a readable result file" in row["reason"]


def test_no_results_is_a_mistake_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="binbench run"):
        read_rows(tmp_path)


def test_paths_alone_find_their_float_reference(stored: Stored) -> None:
    path = next((stored.results_dir / "small" / "20" / "binary-batch").glob("*.hdf5"))
    (row,) = read_rows(stored.results_dir, stored.data_dir, [path])
    assert row["method"] == "binary64"
    assert row["retention_ci_low"] < row["retention"] < 1


def test_small_numbers_sort_before_large_ones() -> None:
    names = ["a/pq16_seed=0", "a/pq8_seed=10", "a/pq8_seed=2", "a/int8"]
    assert sorted(names, key=store._by_number) == ["a/int8", "a/pq8_seed=2", "a/pq8_seed=10", "a/pq16_seed=0"]


def test_records_are_compared_by_query(stored: Stored) -> None:
    records = {record.method: record for record in read(stored.results_dir) if record.batch}
    found = compare(records["int8"], records["binary64"], "recall@10")
    assert found is not None
    difference = np.mean(records["int8"].values("recall@10") - records["binary64"].values("recall@10"))
    assert found.difference.estimate == pytest.approx(difference)
    assert found.queries == found.wins + found.ties + found.losses == 20


def test_the_command_names_the_job(stored: Stored) -> None:
    row = by_method(rows_of(stored), "single")["binary64"]
    assert row["reproduce"] == (
        "python -m binbench run --algorithm binary64 --dataset data/small.hdf5 --count 20 --mode single --seed 0 "
        "--runs 2 --threads 1 --plugin mine.py"
    )


def test_the_page_of_columns_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "columns.md"
    assert page.read_text() == describe(), "run `python -m binbench export --describe > docs/columns.md`"


def test_every_column_is_described() -> None:
    lines = describe().splitlines()
    for name, column in COLUMNS.items():
        assert column.description
        assert sum(line.startswith(f"| `{name}` |") for line in lines) == 1
