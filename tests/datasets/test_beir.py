from __future__ import annotations

import json
from pathlib import Path

import pytest
from binbench.datasets import beir

from binbench import UserError
from binbench.plugins.registry import DATASETS
from binbench.sets.corpus import SourceOptions
from binbench.sets.sources import find_source


def write(folder: Path, documents: int, split: str = "test") -> Path:
    (folder / "qrels").mkdir(parents=True)
    corpus = ({"_id": f"d{i}", "title": "", "text": f"text {i}"} for i in range(documents))
    (folder / "corpus.jsonl").write_text("".join(json.dumps(document) + "\n" for document in corpus))
    (folder / "queries.jsonl").write_text('{"_id": "q", "text": "which"}\n')
    (folder / "qrels" / f"{split}.tsv").write_text("query-id\tcorpus-id\tscore\nq\td1\t1\n")
    return folder


def test_every_collection_is_registered_with_its_counts():
    names = {family.name: family for family in DATASETS.families()}
    for row in beir.ROWS:
        assert f"{row.documents:,} documents" in names[row.name].summary
        assert len(row.md5) == 32
    assert "500,000 of 8,841,823 documents, 6,980 queries (dev)" in names["msmarco-500k"].summary
    assert len(beir.ROWS) == 14


def test_beir_dir_comes_before_the_cache_and_the_cache_before_the_network(tmp_path, monkeypatch):
    monkeypatch.setenv("BINBENCH_BEIR_URL", "file:///nowhere")
    options = SourceOptions(beir_dir=tmp_path / "beir", cache_dir=tmp_path / "cache")
    (tmp_path / "beir").mkdir()
    cached = write(tmp_path / "cache" / "beir" / "fiqa", 5)
    found = find_source("fiqa", options).load()
    assert found.provenance["path"] == str(cached)
    assert found.provenance["md5"] == "17918ed23cd04fb15047f73e6c3bd9d9"
    folder = write(tmp_path / "beir" / "fiqa", 5)
    found = find_source("fiqa", options).load()
    assert found.provenance["path"] == str(folder)
    assert "md5" not in found.provenance


def test_a_folder_without_the_files_is_not_passed_over(tmp_path):
    (tmp_path / "fiqa" / "fiqa").mkdir(parents=True)
    with pytest.raises(UserError, match=r"fiqa holds no corpus\.jsonl"):
        find_source("fiqa", SourceOptions(beir_dir=tmp_path)).load()


def test_counts_that_are_not_the_published_ones_are_told(tmp_path):
    write(tmp_path / "fiqa", 5)
    found = find_source("fiqa", SourceOptions(beir_dir=tmp_path)).load()
    assert found.warnings == [
        "fiqa (test) has 5 documents here, 57,638 in BEIR: scores are not comparable",
        "fiqa (test) has 1 judged queries here, 648 in BEIR: scores are not comparable",
        "fiqa (test) has 1 judgements here, 1,706 in BEIR: scores are not comparable",
    ]
    assert found.provenance["subset"] is True


def test_msmarco_is_judged_by_its_dev_split(tmp_path):
    folder = write(tmp_path / "msmarco", 5, "dev")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq\td2\t1\n")
    found = find_source("msmarco", SourceOptions(beir_dir=tmp_path)).load()
    assert (found.split, found.qrels.tolist()) == ("dev", [[0, 1, 1]])


def test_samples_are_seeded_and_marked(tmp_path, monkeypatch):
    write(tmp_path / "msmarco", 200, "dev")
    row = next(row for row in beir.ROWS if row.name == "msmarco")
    first, same, other = (
        beir.load(row, SourceOptions(beir_dir=tmp_path, seed=seed), "msmarco-20", 20) for seed in (0, 0, 1)
    )
    assert first.name == "msmarco-20"
    assert len(first.doc_ids) == 20
    assert "d1" in first.doc_ids
    assert first.doc_ids == same.doc_ids != other.doc_ids
    assert first.provenance["subset"] is True
    assert first.provenance["corpus_documents"] == 200
    assert find_source("msmarco-500k", SourceOptions(beir_dir=tmp_path)).load().name == "msmarco-500k"


def test_a_mirror_can_be_named(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("BINBENCH_BEIR_URL", "https://mirror.example/beir/")
    monkeypatch.setattr(beir, "fetch_zip", lambda url, folder, *facts: asked.append(url) or write(folder, 5))

    assert find_source("scifact", SourceOptions(cache_dir=tmp_path)).load().provenance["url"] == asked[0]
    assert asked == ["https://mirror.example/beir/scifact.zip"]
