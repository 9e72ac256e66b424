"""Exports are read back by other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from measured import Stored, job, rows_of

from binbench.errors import UserError
from binbench.harness.figures import judge
from binbench.harness.worker import perform
from binbench.records.columns import COLUMNS
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.report.export import export
from binbench.sets.subsets import Subset, sample_name


@pytest.fixture
def rows(stored: Stored) -> list[Row]:
    return read_rows(stored.results_dir, stored.data_dir)


def test_csv(stored: Stored, rows: list[Row], tmp_path: Path) -> None:
    (path,) = export(stored.results_dir, tmp_path / "out" / "r.csv", "csv", stored.data_dir)
    with open(path, newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert len(read) == len(rows)
    parse: dict[str, Any] = {
        "integer": int,
        "number": float,
        "json": json.loads,
        "text": str,
        "boolean": {"true": True, "false": False}.get,
    }
    for got, row in zip(read, rows, strict=True):
        for name, column in COLUMNS.items():
            expected = row[name]
            assert got[name] == "" if expected is None else parse[column.kind](got[name]) == expected, name


def test_jsonl(stored: Stored, rows: list[Row], tmp_path: Path) -> None:
    (path,) = export(stored.results_dir, tmp_path / "r.jsonl", "jsonl", stored.data_dir)
    assert [json.loads(line) for line in path.read_text().splitlines()] == list(map(dict, rows))


def test_parquet(stored: Stored, rows: list[Row], tmp_path: Path) -> None:
    from pyarrow.parquet import read_table

    (path,) = export(stored.results_dir, tmp_path / "r.parquet", "parquet", stored.data_dir)
    table = read_table(path)
    assert table.column_names == list(COLUMNS)
    for name in ("recall@10", "retention_ci_low", "k", "status", "index_bytes", "command"):
        assert table[name].to_pylist() == [row[name] for row in rows]
    assert [json.loads(text) for text in table["parameters"].to_pylist()] == [row["parameters"] for row in rows]
    assert table.schema.field("recall@10").metadata[b"description"].decode() == COLUMNS["recall@10"].description


def test_parquet_of_failures_alone_has_the_same_types(stored: Stored, tmp_path: Path) -> None:
    from pyarrow.parquet import read_schema

    (some,) = export(stored.results_dir, tmp_path / "a.parquet", "parquet", filters=["status=timeout"])
    (all_,) = export(stored.results_dir, tmp_path / "b.parquet", "parquet", stored.data_dir)
    assert read_schema(some) == read_schema(all_)


def test_trec_runs_score_what_the_rows_say(stored: Stored, rows: list[Row], tmp_path: Path) -> None:
    import ir_measures
    from ir_measures import RR, R, nDCG

    written = export(stored.results_dir, tmp_path / "trec", "trec", stored.data_dir)
    qrels = list(ir_measures.read_trec_qrels(str(tmp_path / "trec" / "small" / "qrels")))
    runs = {path.stem: path for path in written if path.suffix == ".run"}
    answered = [row for row in rows if row["status"] == "ok"]
    assert len(runs) == len(answered) == 9
    for row in answered:
        name = f"{row['method'].replace(' ', '_')}_seed=0_{row['mode']}"
        found = ir_measures.calc_aggregate(
            [nDCG @ 10, R @ 10, RR @ 10], qrels, ir_measures.read_trec_run(str(runs[name]))
        )
        for measure, column in ((nDCG @ 10, "ndcg@10"), (R @ 10, "qrels_recall@10"), (RR @ 10, "mrr@10")):
            assert found[measure] == pytest.approx(row[column], abs=1e-9)


def test_trec_files_of_a_subset_are_of_its_documents(stored: Stored, tmp_path: Path) -> None:
    import ir_measures
    from ir_measures import R, nDCG

    # Of the judged documents, which come first, half are in: most queries lose some of what is relevant to them.
    judged = len(np.unique(stored.embeddings.qrels[:, 1]))
    asked = job(stored.embeddings, stored.results_dir, "int8").model_copy(
        update={"documents": judged // 2, "sample": sample_name(stored.embeddings, judged // 2)}
    )
    assert perform(asked) == ("ok", "")
    judge(asked.path({}), stored.embeddings)
    (row,) = (row for row in rows_of(stored) if row["documents"] == judged // 2)
    written = export(stored.results_dir, tmp_path, "trec", stored.data_dir)
    place = tmp_path / "small" / f"documents={judged // 2}"
    run = place / "k20" / "int8_seed=0_batch.run"
    assert {path for path in written if place in path.parents} == {place / "qrels", run}
    qrels = list(ir_measures.read_trec_qrels(str(place / "qrels")))
    inside = {f"d{number}" for number in Subset(stored.embeddings, judged // 2, tmp_path / "truth").rows}
    assert {one.doc_id for one in qrels} <= inside
    assert 0 < len(qrels) < len(stored.embeddings.qrels) == len((tmp_path / "small" / "qrels").read_text().splitlines())
    found = ir_measures.calc_aggregate([nDCG @ 10, R @ 10], qrels, ir_measures.read_trec_run(str(run)))
    assert found[nDCG @ 10] == pytest.approx(row["ndcg@10"], abs=1e-9)
    assert found[R @ 10] == pytest.approx(row["qrels_recall@10"], abs=1e-9)


def test_trec_runs_under_other_conditions_have_files_of_their_own(stored: Stored, tmp_path: Path) -> None:
    usual = job(stored.embeddings, stored.results_dir, "pq8")
    for update in ({"threads": 2}, {"max_train": 300}):
        assert perform(usual.model_copy(update=update)) == ("ok", "")
    names = {path.name for path in export(stored.results_dir, tmp_path, "trec", stored.data_dir)}
    told = "pq8_seed=0_batch.run", "pq8_seed=0_threads=2_batch.run", "pq8_seed=0_max_train=300_batch.run"
    assert set(told) <= names


def test_trec_needs_the_set(stored: Stored, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no TREC run"):
        export(stored.results_dir, tmp_path / "trec", "trec")


def test_filters(stored: Stored, tmp_path: Path) -> None:
    (path,) = export(stored.results_dir, tmp_path / "r.jsonl", "jsonl", stored.data_dir, filters=["family=binary"])
    assert {json.loads(line)["family"] for line in path.read_text().splitlines()} == {"binary"}
    with pytest.raises(UserError, match="no result passes"):
        export(stored.results_dir, tmp_path / "none.csv", "csv", filters=["family=none"])
    assert not (tmp_path / "none.csv").exists()
