from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from binbench import UserError
from binbench.sets.beir_layout import load_beir, sample_documents
from binbench.sets.corpus import SourceOptions, VectorSource, set_name
from binbench.sets.sources import find_source

CORPUS = [
    {"_id": "d1", "title": "Cats", "text": "Cats purr."},
    {"_id": "d2", "title": "", "text": "Dogs bark. "},
    {"_id": "d3", "title": None, "text": "Owls hoot."},
    {"_id": "d4", "text": ""},
]
QUERIES = [{"_id": "q3", "text": "who hoots"}, {"_id": "q1", "text": "who purrs"}, {"_id": "q2", "text": "nobody"}]
QRELS = "query-id\tcorpus-id\tscore\nq1\td1\t2\nq1\td2\t0\nq3\td3\t1\n"


def write(folder: Path, corpus=CORPUS, queries=QUERIES, **qrels: str) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, records in (("corpus", corpus), ("queries", queries)):
        text = records if isinstance(records, str) else "".join(json.dumps(record) + "\n" for record in records)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    for split, text in (qrels or {"test": QRELS}).items():
        (folder / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8")
    return folder


def test_texts_rows_and_order(tmp_path, capfd):
    found = load_beir(write(tmp_path / "pets"), "my_pets & more")
    assert (found.name, found.split) == ("my-pets-more", "test")
    assert found.doc_ids == ["d1", "d2", "d3", "d4"]
    assert found.documents == ["Cats Cats purr.", "Dogs bark.", "Owls hoot.", ""]
    assert found.query_ids == ["q3", "q1"]
    assert found.queries == ["who hoots", "who purrs"]
    assert found.qrels.dtype == np.int32
    assert sorted(map(tuple, found.qrels.tolist())) == [(0, 2, 1), (1, 0, 2), (1, 1, 0)]
    assert found.warnings == []
    assert capfd.readouterr() == ("", "")
    assert found.provenance["sha256"]["test.tsv"] == hashlib.sha256(QRELS.encode()).hexdigest()
    json.dumps(found.provenance)


def test_blank_lines_at_the_end_and_carriage_returns(tmp_path):
    plain = load_beir(write(tmp_path / "plain"), "x")
    folder = write(tmp_path / "dos", test=QRELS.replace("\n", "\r\n") + "\r\n\r\n")
    for name in ("corpus.jsonl", "queries.jsonl"):
        (folder / name).write_bytes((folder / name).read_bytes().replace(b"\n", b"\r\n") + b"\r\n  \n\n")
    dos = load_beir(folder, "x")
    assert (dos.documents, dos.queries, dos.qrels.tolist()) == (plain.documents, plain.queries, plain.qrels.tolist())


def test_judgements_of_the_unknown_are_dropped_with_a_warning(tmp_path):
    qrels = QRELS + "q9\td1\t1\nq8\td1\t1\nq2\td9\t1\nq1\td9\t1\nq1\td1\t1\n"
    found = load_beir(write(tmp_path / "c", test=qrels), "c")
    assert found.query_ids == ["q3", "q1", "q2"], "a query whose documents are all unknown is kept"
    assert sorted(map(tuple, found.qrels.tolist())) == [(0, 2, 1), (1, 0, 1), (1, 1, 0)]
    assert found.warnings == [
        "test.tsv: 2 of 8 judgements are of unknown queries; dropped",
        "test.tsv: 2 of 8 judgements are of unknown documents; dropped",
        "test.tsv: 1 of 8 judgements repeat a pair of query and document; the last one counts",
    ]


def test_a_query_judged_only_with_zeros_is_kept(tmp_path):
    found = load_beir(write(tmp_path / "c", test="query-id\tcorpus-id\tscore\nq2\td1\t0\n"), "c")
    assert (found.query_ids, found.qrels.tolist()) == (["q2"], [[0, 0, 0]])


def test_quoted_ids_are_read_as_beir_reads_them(tmp_path):
    queries = [{"_id": '"Weird" Al', "text": "parody"}]
    qrels = 'query-id\tcorpus-id\tscore\n"""Weird"" Al"\td1\t-1\n'
    found = load_beir(write(tmp_path / "c", queries=queries, test=qrels), "c")
    assert (found.query_ids, found.qrels.tolist()) == (['"Weird" Al'], [[0, 0, -1]])


def test_splits(tmp_path):
    other = "query-id\tcorpus-id\tscore\nq2\td4\t1\n"
    only = write(tmp_path / "only", dev=other)
    assert load_beir(only, "c").split == "dev"
    two = write(tmp_path / "two", dev=other, train=QRELS)
    assert load_beir(two, "c", "train").query_ids == ["q3", "q1"]
    assert load_beir(two, "c", default_split="dev").query_ids == ["q2"]
    for arguments in ({}, {"split": "tset"}, {"split": "../two/qrels/dev"}):
        with pytest.raises(UserError, match="its splits: dev, train"):
            load_beir(two, "c", **arguments)
    with pytest.raises(UserError, match="no split 'test'"):
        load_beir(only, "c", "test")


@pytest.mark.parametrize("missing", ["corpus.jsonl", "queries.jsonl", "qrels/test.tsv"])
def test_missing_files(tmp_path, missing):
    folder = write(tmp_path / "c")
    (folder / missing).unlink()
    with pytest.raises(UserError, match=missing):
        load_beir(folder, "c")


GOOD = '{"_id": "a", "text": "b"}\n'


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ("", "corpus.jsonl is empty"),
        ("\n\n", "corpus.jsonl is empty"),
        ("\ufeff" + GOOD, "line 1: begins with a byte-order mark; save the file as UTF-8 without one"),
        (GOOD + "{not json}\n", "line 2: not a JSON object"),
        (GOOD + '["a", "b"]\n', "line 2: not a JSON object"),
        (GOOD + '{"_id": "b", "text": "cut o', "line 2: not a JSON object"),
        (GOOD + "[" * 100_000 + "\n", "line 2: not a JSON object"),
        (GOOD + '{"_id": "b",\r "text": "c"}\n', "line 2: not a JSON object"),
        (GOOD + "\n" + GOOD, "line 2: the line is blank"),
        ('{"text": "b"}\n', "line 1: lacks a string '_id'"),
        ('{"_id": 7, "text": "b"}\n', "line 1: lacks a string '_id'"),
        ('{"_id": "", "text": "b"}\n', "line 1: '_id' is empty"),
        ('{"_id": "a\\u0000", "text": "b"}\n', "line 1: '_id' is empty or holds a NUL"),
        ('{"_id": "a", "text": null}\n', "line 1: lacks a string 'text'"),
        ('{"_id": "a", "text": "b", "title": 5}\n', "line 1: 'title'"),
        ('{"_id": "a", "text": "\\ud83d"}\n', "line 1: half of a surrogate pair"),
        (GOOD + GOOD.replace('"b"', '"c"'), "line 2: document id 'a' occurs already in line 1"),
    ],
)
def test_faulty_corpus(tmp_path, corpus, message):
    with pytest.raises(UserError, match=message) as caught:
        load_beir(write(tmp_path / "c", corpus=corpus), "c")
    assert "\n" not in str(caught.value)


def test_text_that_is_not_utf8(tmp_path):
    folder = write(tmp_path / "c")
    (folder / "corpus.jsonl").write_bytes(GOOD.encode() + '{"_id": "ä", "text": ""}\n'.encode("latin-1"))
    with pytest.raises(UserError, match=r"corpus\.jsonl, line 2: not UTF-8"):
        load_beir(folder, "c")
    (folder / "qrels" / "test.tsv").write_bytes(QRELS.encode() + b"q\xe4\td1\t1\n")
    with pytest.raises(UserError, match=r"test\.tsv, line 5: not UTF-8"):
        load_beir(folder, "c")


def test_duplicate_queries(tmp_path):
    with pytest.raises(UserError, match=r"queries.jsonl, line 4: query id 'q1' occurs already in line 2"):
        load_beir(write(tmp_path / "c", queries=[*QUERIES, QUERIES[1]]), "c")


HEADER = "query-id\tcorpus-id\tscore\n"


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ("", "judges no query"),
        (HEADER, "judges no query"),
        (HEADER + "q1\td1\n", "line 2: 2 fields"),
        (HEADER + "q1 0 d1 1\n", "line 2: 1 fields"),
        (HEADER + "q1\tQ0\td1\t1\n", "line 2: 4 fields"),
        (HEADER + "q1\td1\t0.5\n", "line 2: grade '0.5' is not an integer"),
        (HEADER + "q1\td1\t\n", "line 2: grade '' is not an integer"),
        (HEADER + "q1\td1\t4294967296\n", "line 2: grade '4294967296' is not an integer"),
        (HEADER + "\nq1\td1\t1\n", "line 2: the line is blank"),
        ("q1\td1\t1\n", "line 1: a judgement where the header"),
        (HEADER + "q7\td1\t1\n", "judges none of the queries"),
    ],
)
def test_faulty_qrels(tmp_path, qrels, message):
    with pytest.raises(UserError, match=message):
        load_beir(write(tmp_path / "c", test=qrels), "c")


def test_open_source_by_name_and_by_path(tmp_path, monkeypatch):
    write(tmp_path / "beir" / "my_pets")
    options = SourceOptions(beir_dir=tmp_path / "beir")
    assert find_source("my_pets", options).load().name == "my-pets"
    assert find_source("my-pets", options).load().name == "my-pets"
    assert find_source(str(tmp_path / "beir" / "my_pets"), SourceOptions()).load().name == "my-pets"
    monkeypatch.chdir(tmp_path / "beir")
    assert find_source("my_pets", SourceOptions()).load().name == "my-pets"
    monkeypatch.chdir("my_pets")
    assert find_source(".", SourceOptions()).load().name == "my-pets"
    assert isinstance(find_source("synthetic-100x8", options).load(), VectorSource)


def test_open_source_of_the_unknown(tmp_path):
    write(tmp_path / "my_pets")
    options = SourceOptions(beir_dir=tmp_path)
    for name, near in (("my-pest", "my_pets"), ("scifcat", "scifact"), ("synthetic-10x", "synthetic-10000x64")):
        with pytest.raises(UserError, match=f"unknown dataset '{name}'; did you mean.* {near}"):
            find_source(name, options).load()
    for name in ("..", "", "nothing like it"):
        with pytest.raises(UserError, match="unknown dataset"):
            find_source(name, options).load()
    with pytest.raises(UserError, match=r"folder .*/nowhere does not exist"):
        find_source(str(tmp_path / "nowhere"), options).load()
    with pytest.raises(UserError, match=r"absent \(--beir-dir, BINBENCH_BEIR_DIR\) does not exist"):
        find_source("scifact", SourceOptions(beir_dir=tmp_path / "absent")).load()


def test_set_names():
    assert [set_name(n) for n in ("a_b", "cqadupstack/english", "_x_", "v1.5+", "日本")] == [
        "a-b",
        "cqadupstack-english",
        "x",
        "v1.5+",
        "collection",
    ]


IDS = [f"d{i}" for i in range(50)]


@given(judged=st.sets(st.sampled_from(IDS)), size=st.integers(0, 60), seed=st.integers(0, 2**32))
def test_samples_hold_the_judged_and_keep_the_order(judged, size, seed):
    sample = sample_documents(IDS, judged, size, seed)
    assert judged <= set(sample)
    assert len(sample) == max(len(judged), min(size, len(IDS)))
    assert sample == [i for i in IDS if i in set(sample)]
    assert sample == sample_documents(IDS, judged, size, seed)


def test_samples_are_uniform_and_differ_between_seeds():
    counts = dict.fromkeys(IDS, 0)
    for seed in range(2000):
        for identifier in sample_documents(IDS, {"d0"}, 11, seed):
            counts[identifier] += 1
    assert counts.pop("d0") == 2000
    # Each of the 49 others is drawn with probability 10/49: 408 times give or take 18.
    assert all(408 - 5 * 18 < count < 408 + 5 * 18 for count in counts.values())


def test_a_sampled_collection(tmp_path):
    corpus = [{"_id": f"d{i}", "title": "", "text": f"text {i}"} for i in range(100)]
    folder = write(tmp_path / "c", corpus=corpus, test=QRELS + "q1\tunknown\t1\n")
    found = load_beir(folder, "c", size=20, seed=3)
    assert len(found.doc_ids) == 20
    assert {"d1", "d2", "d3"} <= set(found.doc_ids)
    assert found.documents == [f"text {i[1:]}" for i in found.doc_ids]
    assert [found.doc_ids[row] for row in found.qrels[:, 1]] == ["d3", "d1", "d2"]
    digest = hashlib.sha256("\n".join(sorted(found.doc_ids)).encode()).hexdigest()
    expected = {"subset": True, "corpus_documents": 100, "sample_seed": 3, "sample_sha256": digest}
    assert expected.items() <= found.provenance.items()
    assert load_beir(folder, "c", size=20, seed=4).doc_ids != found.doc_ids
    assert load_beir(folder, "c", size=100).provenance["subset"] is False


@pytest.mark.parametrize(
    ("name", "split", "documents", "queries", "judgements"),
    [
        ("scifact", "test", 5183, 300, 339),
        ("scifact", "train", 5183, 809, 919),
        ("nfcorpus", "test", 3633, 323, 12334),
        ("cranfield", "test", 1400, 225, 1612),
        ("msmarco-dl", "dl19", 32256, 43, 5698),
        ("msmarco-dl", "dl20", 32256, 54, 5150),
        ("msmarco-dl", "test", 32256, 97, 10848),
    ],
)
def test_real_collections_against_an_independent_reading(name, split, documents, queries, judgements):
    folder = Path(os.environ.get("BINBENCH_BEIR_DIR") or pytest.skip("BINBENCH_BEIR_DIR is not set")) / name
    if not folder.is_dir():
        pytest.skip(f"BINBENCH_BEIR_DIR holds no {name}")
    found = find_source(name, SourceOptions.from_environment(split=split)).load()
    assert (len(found.doc_ids), len(found.query_ids), len(found.qrels)) == (documents, queries, judgements)
    assert found.warnings == []

    corpus = [json.loads(line) for line in (folder / "corpus.jsonl").read_bytes().splitlines()]
    texts = {q["_id"]: q["text"] for q in map(json.loads, (folder / "queries.jsonl").read_bytes().splitlines())}
    with open(folder / "qrels" / f"{split}.tsv", newline="") as file:
        judged = {(r["query-id"], r["corpus-id"], int(r["score"])) for r in csv.DictReader(file, delimiter="\t")}
    wanted = {query for query, _, _ in judged}
    assert found.doc_ids == [d["_id"] for d in corpus]
    assert found.documents == [(d["title"] + " " + d["text"]).strip() for d in corpus]
    assert found.query_ids == [q for q in texts if q in wanted]
    assert found.queries == [texts[q] for q in found.query_ids]
    assert {(found.query_ids[q], found.doc_ids[d], grade) for q, d, grade in found.qrels.tolist()} == judged


def test_scifact_is_the_published_one():
    if not os.environ.get("BINBENCH_BEIR_DIR"):
        pytest.skip("BINBENCH_BEIR_DIR is not set")
    sha256 = find_source("scifact", SourceOptions.from_environment()).load().provenance["sha256"]
    assert sha256["corpus.jsonl"] == "dec31c8182f3d744c7d2c09423756fd1d17cbef75808db13ba01cc0aab4d1ac6"
    assert sha256["queries.jsonl"] == "8ff84a7c903f722981cd8d595c022660140c51867b27608a6d4910db86080313"
