"""Where records come from: files of any state and age, and an index that may say anything."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from commands import snapshot
from measured import Stored, by_method, job, make_set, rows_of
from raw import as_schema_1

from binbench.cli import main
from binbench.errors import UserError
from binbench.harness.figures import evaluate
from binbench.harness.worker import perform
from binbench.records import read, store
from binbench.records.rows import rows as read_rows
from binbench.records.store import INDEX, INDEX_SCHEMA, write_index


def shown(stored: Stored) -> list[dict[str, Any]]:
    """Every row as plain values."""
    return list(map(dict, rows_of(stored)))


def without_index(stored: Stored) -> None:
    (stored.results_dir / INDEX).unlink()


def index_of_other_files(stored: Stored) -> None:
    """What the index says of every file is of another time."""
    path = stored.results_dir / INDEX
    index = json.loads(path.read_text())
    for held in index["files"].values():
        held["stamp"] = "0:0"
        held["attributes"]["name"] = "nonsense"
    path.write_text(json.dumps(index))


def without_figures(stored: Stored) -> None:
    for path in stored.results_dir.rglob("*.hdf5"):
        as_schema_1(path)


def without_comparisons(stored: Stored) -> None:
    for path in stored.results_dir.rglob("*.hdf5"):
        with h5py.File(path, "a") as file:
            if "contrasts" in file.attrs:
                file.attrs["contrasts"] = "{}"


def as_it_is(stored: Stored) -> None:
    """Judged, and the index is current."""


@pytest.mark.parametrize("state", [as_it_is, without_index, index_of_other_files, without_figures, without_comparisons])
@pytest.mark.parametrize(
    "verb",
    [
        ["table"],
        ["table", "--iso-memory"],
        ["plot", "--format", "svg"],
        ["export", "--format", "csv"],
        ["export", "--format", "jsonl"],
        ["export", "--format", "parquet"],
        ["export", "--format", "trec"],
        ["site", "public"],
    ],
    ids=" ".join,
)
def test_what_renders_neither_judges_nor_writes_below_the_results(
    stored: Stored,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    verb: list[str],
    state: Callable[[Stored], None],
) -> None:
    state(stored)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def fail(*_: Any) -> None:
        raise AssertionError("judged")

    monkeypatch.setattr("binbench.measures.registry.compute", fail)
    monkeypatch.setattr("binbench.harness.figures.judge", fail)
    before = snapshot(stored.results_dir)
    folders = ["--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)]
    with pytest.raises(SystemExit) as ended:
        main([*verb, *folders])
    assert ended.value.code == 0
    assert snapshot(stored.results_dir) == before


def test_what_was_rendered_lies_elsewhere(stored: Stored, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nothing above passes because nothing was done."""
    monkeypatch.chdir(tmp_path)
    before = snapshot(stored.data_dir)
    for verb in (["plot", "--kind", "build-time"], ["export"], ["site", "public"]):
        with pytest.raises(SystemExit) as ended:
            main([*verb, "--results-dir", str(stored.results_dir), "--data-dir", str(stored.data_dir)])
        assert ended.value.code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"results", "plots", "results.csv", "public"}
    assert snapshot(stored.data_dir) == before


def test_the_index_saves_opening_results(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    first = shown(stored)

    def fail(*_: Any) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(store, "_opened", fail)
    assert shown(stored) == first
    assert list(map(dict, rows_of(stored, Path("/nowhere")))) == first
    without_index(stored)
    with pytest.raises(AssertionError, match="opened"):
        shown(stored)


SCHEMA = f'"schema": {INDEX_SCHEMA}'
NAME = "small/20/int8-batch/int8_seed=0.hdf5"


def entry(stored: Stored, **held: Any) -> str:
    """An index that knows one file, by its stamp, and nothing else of it but `held`."""
    file = (stored.results_dir / NAME).stat()
    stamp = {"stamp": f"{file.st_mtime_ns}:{file.st_size}"}
    return json.dumps({"schema": INDEX_SCHEMA, "files": {NAME: stamp | held}})


@pytest.mark.parametrize(
    "content",
    [
        *("", "{", "[]", "null", '{"schema": 1}', '{"schema": 1, "files": []}', '{"schema": 1, "files": 7}'),
        json.dumps({"schema": INDEX_SCHEMA, "files": {NAME: 1}}),
        json.dumps({"schema": INDEX_SCHEMA, "files": {NAME: {}}}),
        entry,
        lambda stored: entry(stored, figures={}),
        # Of another schema: the same words may mean something else.
        lambda stored: (stored.results_dir / INDEX).read_text().replace(SCHEMA, '"schema": 0', 1),
        lambda stored: entry(stored, attributes={"status": "failed"}).replace(SCHEMA, '"schema": 9', 1),
        "\udcff\udcfe",
    ],
)
def test_a_broken_index_does_no_harm(stored: Stored, content: str | Callable[[Stored], str]) -> None:
    first = shown(stored)
    assert (stored.results_dir / NAME).is_file()
    text = content if isinstance(content, str) else content(stored)
    (stored.results_dir / INDEX).write_text(text, encoding="utf-8", errors="surrogateescape")
    assert shown(stored) == first
    write_index(stored.results_dir)
    assert shown(stored) == first
    index = json.loads((stored.results_dir / INDEX).read_text())
    assert index["files"].keys() == {
        str(path.relative_to(stored.results_dir)) for path in stored.results_dir.rglob("*.hdf5")
    }


def test_a_folder_in_the_index_s_place_does_no_harm(stored: Stored) -> None:
    first = shown(stored)
    without_index(stored)
    (stored.results_dir / INDEX).mkdir()
    assert shown(stored) == first
    write_index(stored.results_dir)
    assert shown(stored) == first


def test_an_index_out_of_date_does_no_harm(stored: Stored) -> None:
    first = shown(stored)
    index_of_other_files(stored)
    assert shown(stored) == first


def test_a_changed_result_is_read_again(stored: Stored) -> None:
    before = by_method(rows_of(stored))["int8"]
    assert before["build_seconds"] != 123
    path = stored.results_dir / before["file"]
    with h5py.File(path, "r+") as file:
        file.attrs["build_time"] = 123.0
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert by_method(rows_of(stored))["int8"]["build_seconds"] == 123


def test_a_new_result_has_its_row_before_the_index_knows_it(stored: Stored) -> None:
    first = shown(stored)
    assert perform(job(stored.embeddings, stored.results_dir, "binary64", seed=1)) == ("ok", "")
    rows = rows_of(stored)
    assert len(rows) == len(first) + 1
    (new,) = (row for row in rows if row["seed"] == 1)
    # Measured within this process, a job is charged with what processes of other tests do meanwhile, and told so.
    assert new["notes"][-1] == "no figures yet; `binbench evaluate` computes them"


def test_a_removed_result_leaves_no_row(stored: Stored) -> None:
    row = by_method(rows_of(stored))["int8"]
    (stored.results_dir / row["file"]).unlink()
    assert "int8" not in by_method(rows_of(stored))
    write_index(stored.results_dir)
    assert row["file"] not in (stored.results_dir / INDEX).read_text()


def test_results_of_the_version_before_are_shown_with_a_remark_and_judged(stored: Stored) -> None:
    first = by_method(rows_of(stored))
    without_figures(stored)
    rows = by_method(rows_of(stored))
    assert rows.keys() == first.keys()
    for method, row in rows.items():
        assert row["recall@10"] is row["ndcg@10_ci_low"] is row["retention"] is None
        expected = ["no figures yet; `binbench evaluate` computes them"] if row["status"] == "ok" else []
        assert row["notes"] == first[method]["notes"] + expected
        assert row["schema_version"] == 1
        for name in ("status", "reason", "bytes_per_vector", "queries_per_second", "build_seconds", "date", "inputs"):
            assert row[name] == first[method][name], name
    records, left_out = evaluate(stored.results_dir, stored.data_dir)
    assert left_out == []
    assert len(records) == len(first) + 2
    judged = by_method(rows_of(stored))
    assert judged.keys() == first.keys()
    for method, row in judged.items():
        if row["status"] != "ok":
            continue
        # What the version before did not tell apart is a method with a seed from one without.
        for name in set(row) - {"schema_version", "seed"}:
            assert row[name] == first[method][name], name
    assert judged["binary64"]["recall@10"] > 0


def test_results_of_the_version_before_wait_for_their_set(stored: Stored) -> None:
    without_figures(stored)
    records, left_out = evaluate(stored.results_dir, Path("/nowhere"))
    assert records == []
    assert all("its embedding set small is not in" in reason for reason in left_out)
    row = by_method(rows_of(stored))["binary64"]
    assert row["recall@10"] is None
    assert row["queries_per_second"] > 0
    assert evaluate(stored.results_dir, stored.data_dir)[1] == []
    assert by_method(rows_of(stored))["binary64"]["recall@10"] > 0


def test_files_beside_results_of_the_version_before_are_let_be(stored: Stored) -> None:
    first = shown(stored)
    path = stored.results_dir / NAME
    others = [
        path.with_suffix(".figures.npz"),
        path.with_suffix(".comparisons.json"),
        stored.results_dir / ".rows.json",
    ]
    for other in others:
        other.write_text("of the version before")
    assert shown(stored) == first
    assert evaluate(stored.results_dir, stored.data_dir, force=True)[1] == []
    assert [other.read_text() for other in others] == ["of the version before"] * 3


def test_nothing_is_written_beside_a_result(stored: Stored) -> None:
    assert evaluate(stored.results_dir, stored.data_dir, force=True)[1] == []
    files = [path for path in stored.results_dir.rglob("*") if path.is_file()]
    assert {path.name for path in files if path.suffix != ".hdf5"} == {INDEX}


def test_other_vectors_under_the_same_name_are_noticed(stored: Stored, tmp_path: Path) -> None:
    first = by_method(rows_of(stored))["binary64"]
    make_set(tmp_path / "data" / "small.hdf5", seed=4)
    row = by_method(rows_of(stored, tmp_path / "data"))["binary64"]
    assert row["notes"] == ["measured on other vectors than small holds now"]
    # What was measured on the vectors of then was measured.
    assert row["recall@10"] == first["recall@10"]
    before = snapshot(stored.results_dir)
    _, left_out = evaluate(stored.results_dir, tmp_path / "data")
    assert len(left_out) == len(list(stored.results_dir.rglob("*.hdf5")))
    assert all("was measured on other vectors" in reason for reason in left_out)
    assert snapshot(stored.results_dir) == before


def test_an_unreadable_file_is_a_row(stored: Stored) -> None:
    path = next(stored.results_dir.rglob("int8_*.hdf5"))
    path.write_bytes(path.read_bytes()[:100])
    row = next(row for row in rows_of(stored) if row["status"] == "unreadable")
    assert (row["set"], row["family"], row["instance"], row["k"], row["mode"]) == ("small", "int8", "int8", 20, "batch")
    assert "not a readable HDF5 file" in row["reason"]


def test_no_results_is_a_mistake_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="binbench run"):
        read_rows(tmp_path)


def test_paths_alone_find_their_float_reference(stored: Stored) -> None:
    path = next((stored.results_dir / "small" / "20" / "binary-batch").glob("*.hdf5"))
    (row,) = read_rows(stored.results_dir, stored.data_dir, [path])
    assert row["method"] == "binary64"
    assert row["retention_ci_low"] < row["retention"] < 1


def test_the_reference_does_not_depend_on_what_else_is_read(stored: Stored, tmp_path: Path) -> None:
    """float was measured in both modes: each method is held against that of its own mode, alone or among all."""
    assert perform(job(stored.embeddings, stored.results_dir, "float", "single")) == ("ok", "")
    among_all = {record.path: record.reference for record in read(stored.results_dir) if record.status == "ok"}
    assert {record.path.parent.name for record in among_all.values() if record} == {"float", "float-batch"}
    for path, reference in among_all.items():
        assert reference is not None
        (alone,) = read(stored.results_dir, [path])
        assert alone.reference is not None
        assert alone.reference.path == reference.path
        assert reference.mode == alone.mode
    # Without one of its own mode, that of the other: float's answers are the same.
    shutil.rmtree(stored.results_dir / "small" / "20" / "float")
    (single,) = read(stored.results_dir, [next((stored.results_dir / "small" / "20" / "binary").glob("*.hdf5"))])
    assert single.reference is not None
    assert single.reference.path.parent.name == "float-batch"


def test_small_numbers_sort_before_large_ones() -> None:
    names = ["a/pq16_seed=0", "a/pq8_seed=10", "a/pq8_seed=2", "a/int8"]
    assert sorted(names, key=store._by_number) == ["a/int8", "a/pq8_seed=2", "a/pq8_seed=10", "a/pq16_seed=0"]
