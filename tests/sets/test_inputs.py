"""A set is current while what it was made from is; what changed is made anew, and only that."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import h5py
import numpy as np
import pytest
from conftest import registered_meanwhile, unit

from binbench import Collection, Encoder, SourceOptions, VectorSource, register_dataset, register_encoder
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.encoders import EncoderOptions
from binbench.sets.inputs import SEEN, contents
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import Preparation


class Counted(Encoder):
    """Vectors that tell their text apart; every text encoded is written down."""

    encoded: list[str] = []  # noqa: RUF012

    def __init__(self, folder: Path | None = None) -> None:
        weights = folder / "model.safetensors" if folder else None
        self.factor = len(weights.read_text()) if weights else 1

    def encode(self, texts, kind):
        Counted.encoded += texts
        rows = [
            [self.factor, len(text), text.count("a"), crc32(text.encode()) % 97 + (kind == "query")] for text in texts
        ]
        return np.array(rows, np.float32)


class Learned(Counted):
    """Likewise, but what it makes depends on all documents."""

    def fit(self, documents):
        self.factor = len(documents)


@pytest.fixture(autouse=True)
def plugins():
    with registered_meanwhile():
        register_encoder("counted")(Counted)
        register_encoder("learned")(Learned)
        yield


@pytest.fixture
def told(caplog):
    """What is told during a run, and what is encoded."""

    def run(preparation: Preparation) -> tuple[EmbeddingSet, list[str], list[str]]:
        caplog.clear()
        caplog.set_level("INFO", "binbench")
        Counted.encoded = []
        return preparation.run(), caplog.messages, Counted.encoded

    return run


class TestVectors:
    @pytest.fixture
    def preparation(self, tmp_path, rng):
        for name, rows in (("docs", 50), ("queries", 5)):
            np.save(tmp_path / f"{name}.npy", rng.standard_normal((rows, 4)))
        return Preparation(
            str(tmp_path / "docs.npy"), data_dir=tmp_path / "data", vectors=VectorOptions(str(tmp_path / "queries.npy"))
        )

    @pytest.mark.parametrize("changed", ["docs", "queries"])
    @pytest.mark.parametrize("sly", [False, True])
    def test_a_replaced_file_is_seen(self, preparation, tmp_path, told, rng, changed, sly):
        before = preparation.run()
        path, vectors = tmp_path / f"{changed}.npy", rng.standard_normal((50 if changed == "docs" else 5, 4))
        state = path.stat()
        np.save(path, vectors)
        if sly:  # of the same size, and with the old one's time
            os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
        after, messages, _ = told(preparation)
        label = "docs.npy" if changed == "docs" else "queries queries.npy"
        assert f"docs: {label} changed; making it anew" in messages
        assert after.path == before.path
        np.testing.assert_allclose(after.train if changed == "docs" else after.test, unit(vectors), atol=1e-7)
        assert told(preparation)[1] == []

    def test_a_touched_file_is_the_same(self, preparation, tmp_path, told):
        stamp = preparation.run().path.stat().st_mtime_ns
        os.utime(tmp_path / "docs.npy", (1, 1))
        made, messages, _ = told(preparation)
        assert (made.path.stat().st_mtime_ns, messages) == (stamp, [])

    def test_a_set_that_does_not_tell_is_stale_where_its_file_is_newer(self, preparation, tmp_path):
        made = preparation.run()
        with h5py.File(made.path, "a") as file:
            del file.attrs["inputs"]
        assert preparation.find()
        now = time.time()
        os.utime(tmp_path / "docs.npy", (now + 5, now + 5))
        assert preparation.find() is None

    def test_an_altered_hdf5_file_is_seen(self, tmp_path, told, rng):
        path = tmp_path / "foreign.hdf5"
        with h5py.File(path, "w") as file:
            file["train"], file["test"] = rng.standard_normal((50, 4)), rng.standard_normal((5, 4))
        preparation = Preparation(str(path), data_dir=tmp_path / "data")
        preparation.run()
        with h5py.File(path, "a") as file:
            file["train"][7] = [1, 2, 3, 4]
        made, messages, _ = told(preparation)
        assert messages == ["foreign: foreign.hdf5 changed; making it anew"]
        np.testing.assert_allclose(made.train[7], np.arange(1, 5) / np.sqrt(30), atol=1e-7)

    def test_a_file_of_another_program_beside_the_sets_is_none_of_them(self, tmp_path, told, rng):
        path = tmp_path / "foreign.hdf5"
        with h5py.File(path, "w") as file:
            file["train"], file["test"] = 9 * rng.standard_normal((50, 4)), rng.standard_normal((5, 4))
        content = path.read_bytes()
        made, [message], _ = told(Preparation(str(path), data_dir=tmp_path))
        assert message == (
            f"foreign was made from vectors by another program, not {path}; this set is called {made.name}"
        )
        np.testing.assert_allclose(np.linalg.norm(made.train, axis=1), 1, atol=1e-6)
        assert path.read_bytes() == content


class TestTexts:
    @pytest.fixture
    def preparation(self, collection_dir, tmp_path):
        return Preparation(str(collection_dir), EncoderOptions("counted"), data_dir=tmp_path / "data")

    def test_only_what_is_new_is_encoded(self, preparation, collection_dir, told):
        before, _, encoded = told(preparation)
        vectors = before.train, before.test
        assert len(encoded) == 30 + 5
        with open(collection_dir / "corpus.jsonl", "a") as file:
            file.write(json.dumps({"_id": "new", "title": "", "text": "a new text"}) + "\n")
        after, messages, encoded = told(preparation)
        assert encoded == ["a new text"]
        assert messages == [
            "tiny-counted: corpus.jsonl changed; making it anew",
            "tiny: encoding 1 documents with counted; 30 of 31 are as they were",
        ]
        np.testing.assert_array_equal(after.train[:30], vectors[0])
        np.testing.assert_array_equal(after.test, vectors[1])
        assert after.train_ids[30] == "new"
        np.testing.assert_allclose(after.train[30:], unit(np.array([[1, 10, 1, crc32(b"a new text") % 97]])), atol=1e-7)

    def test_order_and_repeats_do_not_matter(self, preparation, collection_dir, told):
        before = preparation.run().train
        lines = (collection_dir / "corpus.jsonl").read_text().splitlines()
        again = json.dumps(json.loads(lines[3]) | {"_id": "again"})
        (collection_dir / "corpus.jsonl").write_text("\n".join([*reversed(lines), again]) + "\n")
        after, _, encoded = told(preparation)
        assert encoded == []
        np.testing.assert_array_equal(after.train[:30], before[::-1])
        np.testing.assert_array_equal(after.train[30], before[3])

    @pytest.mark.parametrize(
        ("name", "text", "encoded"),
        [
            ("queries.jsonl", json.dumps({"_id": "q0", "text": "another"}) + "\n", ["another"]),
            ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq0\td9\t1\n", []),
        ],
    )
    def test_queries_and_judgements_count(self, preparation, collection_dir, told, name, text, encoded):
        preparation.run()
        (collection_dir / name).write_text(text)
        made, messages, new = told(preparation)
        assert messages[0] == f"tiny-counted: {name} changed; making it anew"
        assert (new, made.test_ids) == (encoded, ["q0"])
        if not encoded:
            assert made.qrels.tolist() == [[0, 9, 1]]

    def test_an_encoder_that_learns_from_the_documents_encodes_all(self, preparation, collection_dir, told):
        preparation = replace(preparation, encoder=EncoderOptions("learned"))
        preparation.run()
        with open(collection_dir / "corpus.jsonl", "a") as file:
            file.write(json.dumps({"_id": "new", "title": "", "text": "a new text"}) + "\n")
        assert len(told(preparation)[2]) == 31 + 5
        (collection_dir / "queries.jsonl").write_text(json.dumps({"_id": "q0", "text": "another"}) + "\n")
        assert told(preparation)[2] == ["another"]

    def test_the_files_of_an_encoder_count(self, preparation, tmp_path, told):
        folder = tmp_path / "model"
        folder.mkdir()
        (folder / "model.safetensors").write_text("12345")
        preparation = replace(preparation, encoder=EncoderOptions(f"counted={folder}"))
        before = preparation.run().train
        (folder / "notes.md").write_text("what no encoder reads")
        assert preparation.find()
        (folder / "model.safetensors").write_text("1234")
        after, messages, encoded = told(preparation)
        assert messages[0] == "tiny-counted: model/model.safetensors changed; making it anew"
        assert len(encoded) == 30 + 5
        assert not np.array_equal(before, after.train)

    def test_a_set_that_does_not_tell_has_hashes_in_its_provenance(self, preparation, collection_dir):
        made = preparation.run()
        with h5py.File(made.path, "a") as file:
            del file.attrs["inputs"]
        assert preparation.find()
        with open(collection_dir / "corpus.jsonl", "a") as file:
            file.write("\n")
        assert preparation.find() is None

    def test_a_collection_that_is_gone_leaves_its_set(self, collection_dir, tmp_path):
        name = collection_dir.rename(tmp_path / "scifact").name
        here, gone = (SourceOptions(beir_dir=folder, cache_dir=tmp_path / "none") for folder in (tmp_path, None))
        made = Preparation(name, EncoderOptions("counted"), here, tmp_path / "data").run()
        assert Preparation(name, EncoderOptions("counted"), gone, tmp_path / "data").find().path == made.path


def test_a_plugin_that_gives_something_else(tmp_path, told):
    def first(options: SourceOptions) -> Collection:
        return Collection("x", "test", ["d"], ["one"], ["q"], ["two"], np.array([(0, 0, 1)], np.int32))

    def second(options: SourceOptions) -> VectorSource:
        rows = np.eye(3, dtype=np.float32)
        return VectorSource("x", 3, 3, lambda: iter([rows]), rows)

    for name, plugin, version in (("made", first, 1), ("drawn", second, None)):
        register_dataset(name, version=version)(plugin)
        preparation = Preparation(name, EncoderOptions("counted"), data_dir=tmp_path / "data")
        preparation.run()
        family = preparation.origin.instance.family
        family.facts["version"] = "2"
        made, messages, encoded = told(preparation)
        assert messages[0] == f"{made.name}: dataset {name} changed; making it anew"
        assert encoded == []
        assert preparation.find()


def test_pydocs_depends_on_the_interpreter(tmp_path, monkeypatch):
    preparation = Preparation("pydocs", EncoderOptions("lsa8"), data_dir=tmp_path)
    rows = unit(np.eye(3))
    known = {"distance": "angular", "identity": preparation.identity, "provenance": {}}
    write_set(preparation.path, rows.shape, [rows], rows, known | {"inputs": contents(preparation.inputs, tmp_path)})
    assert preparation.find()
    monkeypatch.setattr(sys, "version", "3.99.0 (main)")
    assert preparation.find() is None


def test_hashes_are_remembered_while_a_file_looks_the_same(tmp_path, monkeypatch):
    path, data = tmp_path / "a", tmp_path / "data"
    data.mkdir()
    path.write_text("a")
    inputs = {"source": {"a": path, "version": "7"}}
    first = contents(inputs, data)
    assert first["source"]["version"] == "7"
    assert not (data / SEEN).exists()  # it changed a moment ago: what is written next may look the same
    monkeypatch.setattr("binbench.sets.inputs._SETTLED_NS", 0)
    contents(inputs, data)
    monkeypatch.setattr("binbench.sets.inputs.sha256_of", lambda path: pytest.fail("hashed again"))
    assert contents(inputs, data) == first
    (data / SEEN).write_text("[not what belongs here")
    with pytest.raises(pytest.fail.Exception):
        contents(inputs, data)


def test_a_folder_counts_with_all_its_files(tmp_path):
    def told():
        return contents({"source": {"a": tmp_path / "a"}}, tmp_path)["source"].get("a")

    seen = [told()]
    for name, text in (("1", "x"), ("b/2", "y"), ("1", "z")):
        path = tmp_path / "a" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        seen.append(told())
    path.rename(tmp_path / "a" / "3")
    assert seen[0] is None
    assert len({*seen, told()}) == 5
