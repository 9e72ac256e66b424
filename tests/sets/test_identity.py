"""What tells embedding sets apart: two ways of making one never share a file."""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from conftest import registered_meanwhile, unit

from binbench import Collection, Encoder, SourceOptions, UserError, VectorSource, register_dataset, register_encoder
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.encoders import EncoderOptions
from binbench.sets.own_vectors import VectorOptions
from binbench.sets.prepare import Preparation

WORDS = [f"{a}{b}" for a in "klmnprst" for b in ("ara", "eno", "iti", "olu")]


def texts(options: SourceOptions) -> Collection:
    """Documents drawn with the seed."""
    rng = np.random.Generator(np.random.PCG64(options.seed))
    documents = [" ".join(rng.choice(WORDS, 6)) for _ in range(60)]
    qrels = np.array([(i, i, 1) for i in range(5)], np.int32)
    ids = [f"d{i}" for i in range(60)], [f"q{i}" for i in range(5)]
    return Collection("drawn", options.split or "test", ids[0], documents, ids[1], documents[:5], qrels)


def vectors(options: SourceOptions):
    """Vectors drawn with the seed; nothing says what is returned."""
    rng = np.random.Generator(np.random.PCG64(options.seed))
    train = rng.standard_normal((50, 6)).astype(np.float32)
    return VectorSource("plain", 50, 6, lambda: iter([train]), train[:3] + 1)


class Letters(Encoder):
    """Counts of letters, at any length."""

    def encode(self, texts, kind):
        return np.array([[text.count(letter) + 0.5 for letter in "aeiou"] for text in texts], np.float32)


@pytest.fixture(autouse=True)
def plugins():
    """A source that is sampled, one that is not, one of vectors, and an encoder without a seed."""
    with registered_meanwhile():
        register_dataset("drawn")(texts)
        register_dataset("fixed", seeded=False)(texts)
        register_dataset("plain")(vectors)
        register_encoder("letters", dimension=5)(Letters)
        yield


@pytest.fixture
def prepare(tmp_path):
    """A preparation from its dataset, encoder and source options."""

    def make(dataset: str, encoder: str = "letters", queries: str | None = None, **source: Any) -> Preparation:
        return Preparation(
            dataset, EncoderOptions(encoder), SourceOptions(**source), tmp_path / "data", VectorOptions(queries)
        )

    return make


@pytest.mark.parametrize(
    ("dataset", "encoder", "name"),
    [("drawn", "letters", "drawn-letters"), ("fixed", "lsa8", "fixed-lsa8"), ("plain", "letters", "plain")],
)
def test_a_seed_that_is_used_makes_another_set(prepare, dataset, encoder, name):
    first, second = (prepare(dataset, encoder, seed=seed).run() for seed in (0, 1))
    assert (first.name, second.name) == (name, f"{name}-seed1")
    assert not np.array_equal(first.train, second.train)
    assert prepare(dataset, encoder, seed=1).find().path == second.path


@pytest.mark.parametrize(
    ("dataset", "encoder", "seeded"),
    [
        ("fixed", "letters", False),
        ("scifact", "all-MiniLM-L6-v2", False),
        ("scifact", "some/model", False),
        ("scifact", "lsa256", True),
        ("nq-500k", "e5-base-v2", True),
        ("pydocs", "all-MiniLM-L6-v2", True),
        ("synthetic-100x8", "all-MiniLM-L6-v2", True),
    ],
)
def test_only_a_seed_that_is_used_is_part_of_the_name(prepare, dataset, encoder, seeded):
    first, second = prepare(dataset, encoder), prepare(dataset, encoder, seed=1)
    assert second.path.stem == first.path.stem + ("-seed1" if seeded else "")
    assert (first.identity != second.identity) is seeded


def test_names_of_the_defaults_stay_short(prepare, tmp_path):
    assert [
        prepare(*given).path.stem
        for given in (
            ("scifact", "all-MiniLM-L6-v2"),
            ("pydocs", "all-MiniLM-L6-v2"),
            ("synthetic-10000x64", "all-MiniLM-L6-v2"),
            ("msmarco-500k", "lsa256"),
        )
    ] == ["scifact-all-MiniLM-L6-v2", "pydocs-all-MiniLM-L6-v2", "synthetic-10000x64", "msmarco-500k-lsa256"]
    given = replace(prepare("nq-500k", seed=1, split="dev"), encoder=EncoderOptions("e5-base-v2", None, "bf16", 128))
    assert given.path.stem == "nq-500k-dev-e5-base-v2-bf16-128t-seed1"
    assert given.identity == {
        "source": {"name": "nq-500k", "split": "dev", "documents": 500_000, "seed": 1},
        "encoder": {"spec": "e5-base-v2", "precision": "bf16", "max_tokens": 128},
    }


def test_precision_and_cut_count_where_the_encoder_uses_them(prepare):
    coarse = replace(prepare("fixed", "lsa8"), encoder=EncoderOptions("lsa8", None, "bf16", 128))
    assert coarse.path == prepare("fixed", "lsa8").path
    assert coarse.identity == {"source": {"name": "fixed"}, "encoder": {"spec": "lsa8", "seed": 0}}


def test_the_identity_is_stored_and_compared_whole(prepare):
    made = prepare("drawn", seed=3).run()
    with h5py.File(made.path) as file:
        stored = json.loads(file.attrs["identity"])
    assert stored == {"source": {"name": "drawn", "seed": 3}, "encoder": {"spec": "letters"}}
    os.replace(made.path, prepare("drawn").path)
    other = prepare("drawn")
    assert other.find() is None
    assert other.run().attributes["identity"]["source"]["seed"] == 0
    assert re.fullmatch("drawn-letters-[0-9a-f]{8}", other.find().name)
    assert EmbeddingSet.open(other.path.with_stem("drawn-letters")).attributes["identity"] == stored


def test_two_folders_of_one_name_are_two_encoders(prepare, tmp_path):
    for parent in ("a", "b"):
        (tmp_path / parent / "model").mkdir(parents=True)
    first, second = (prepare("fixed", str(tmp_path / parent / "model")) for parent in "ab")
    write_set(first.path, (9, 2), [unit(np.ones((9, 2)))], unit(np.ones((1, 2))), attributes(first))
    assert first.find()
    assert second.find() is None
    assert second.path != first.path


def attributes(preparation: Preparation) -> dict[str, Any]:
    return {"distance": "angular", "identity": preparation.identity}


def test_other_queries_make_another_set(prepare, tmp_path, caplog):
    caplog.set_level("INFO", "binbench")
    for n, name in enumerate(("docs", "first", "second")):
        np.save(tmp_path / f"{name}.npy", np.eye(4) + n + 0.1)
    docs, *queries = (str(tmp_path / f"{name}.npy") for name in ("docs", "first", "second"))
    first, second = (prepare(docs, queries=path).run() for path in queries)
    message = (
        r"docs was made from source queries .*first.npy, not source queries .*second.npy; this set is called docs-"
    )
    assert re.match(message, caplog.messages[-1])
    # Neither is mistaken for the other, nor written over, whichever is asked for and however.
    for path, made, n in zip(queries, (first, second), (1, 2), strict=True):
        for force in (False, True):
            found = prepare(docs, queries=path).run(force=force)
            assert found.path == made.path
            np.testing.assert_allclose(found.test, unit(np.eye(4) + n + 0.1), atol=1e-7)


def test_vectors_from_outside_have_no_encoder(prepare):
    made = prepare("plain").run()
    assert made.name == "plain"
    assert (made.attributes["encoder"], "encoder_spec" in made.attributes) == ("", False)
    assert made.attributes["identity"] == {"source": {"name": "plain", "seed": 0}}


def test_rows_of_an_encoder_from_outside_get_unit_length(prepare):
    made = prepare("fixed").run()
    counts = np.array([[d.count(letter) + 0.5 for letter in "aeiou"] for d in texts(SourceOptions()).documents])
    np.testing.assert_allclose(made.train, unit(counts), atol=1e-6)
    assert made.attributes["encoder"] == "letters"


@pytest.mark.parametrize("declared", [True, False])
def test_a_source_that_gives_something_else_than_it_declares(prepare, declared):
    register_dataset("liar", needs_encoder=declared)(vectors if declared else texts)
    with pytest.raises(UserError, match=r"dataset liar gives a .*, other than it declares"):
        prepare("liar").run()


@pytest.mark.parametrize(
    ("annotation", "needs_encoder"),
    [(Collection, True), (VectorSource, False), ("binbench.VectorSource", False), ("Collection", True)],
)
def test_the_annotation_tells_what_a_source_gives(prepare, annotation, needs_encoder):
    def never(options):
        raise AssertionError("not to be called")

    never.__annotations__["return"] = annotation
    register_dataset("annotated")(never)
    assert prepare("annotated").origin.needs_encoder is needs_encoder


def test_what_a_source_declares_is_part_of_the_identity(prepare):
    told = {"edition": 7}
    register_dataset("edition{n}", n=[1], identity=lambda options, n: told | {"n": n}, seeded=False)(
        lambda options, n: texts(options)
    )
    made = prepare("edition4").run()
    assert made.attributes["identity"]["source"] == {"name": "edition4", "edition": 7, "n": 4}
    told["edition"] = 8
    assert prepare("edition4").find() is None
    assert prepare("edition4").run().attributes["identity"]["source"] == {"name": "edition4", "edition": 8, "n": 4}


class TestVersionBefore:
    """Sets without an identity, written as the version before wrote them."""

    def stored(self, preparation: Preparation, **told: Any) -> EmbeddingSet:
        rows = unit(np.arange(1.0, 19).reshape(9, 2))
        known = {"distance": "angular", "dataset": "x", "split": "test", "source": preparation.dataset, **told}
        return write_set(preparation.path, rows.shape, [rows], rows[:2] + 1, known)

    @pytest.mark.parametrize(
        ("dataset", "encoder", "told"),
        [
            ("scifact", "all-MiniLM-L6-v2", {"precision": "fp32", "max_tokens": 256, "provenance": {"documents": 9}}),
            ("pydocs", "lsa8", {"precision": "fp32", "encoder_seed": 0, "provenance": {"query_seed": 0}}),
            ("nq-500k", "e5-base-v2", {"precision": "fp32", "provenance": {"sample_seed": 0}}),
            ("drawn", "letters", {}),
            ("scifact", "e5-base-v2", {"precision": "bf16 autocast (documents), fp32 (queries)"}),
        ],
    )
    def test_found_where_all_it_tells_agrees(self, prepare, dataset, encoder, told):
        preparation = prepare(dataset, encoder)
        stored = self.stored(preparation, encoder=encoder, encoder_spec=encoder, **told)
        assert preparation.run().fingerprint == stored.fingerprint

    def test_vectors_are_found(self, prepare):
        preparation = prepare("synthetic-100x8", seed=4)
        stored = self.stored(preparation, split="", encoder="", provenance={"seed": 4})
        assert stored.name == "synthetic-100x8-seed4"
        assert preparation.find().fingerprint == stored.fingerprint

    @pytest.mark.parametrize(
        ("dataset", "encoder", "told", "message"),
        [
            ("drawn", "letters", {"provenance": {"query_seed": 1}}, "source seed 1, not source seed 0"),
            ("fixed", "lsa8", {"encoder_seed": 2}, "encoder seed 2, not encoder seed 0"),
            ("fixed", "letters", {"encoder_spec": "lsa8"}, "encoder spec lsa8, not encoder spec letters"),
            ("fixed", "letters", {"source": "drawn"}, "source name drawn, not source name fixed"),
        ],
    )
    def test_another_set_where_it_tells_otherwise(self, prepare, caplog, dataset, encoder, told, message):
        caplog.set_level("INFO", "binbench")
        preparation = prepare(dataset, encoder)
        stored = self.stored(preparation, **({"encoder": encoder, "encoder_spec": encoder} | told))
        made = preparation.run()
        assert f"{stored.name} was made from {message}; this set is called {made.name}" in caplog.messages
        assert EmbeddingSet.open(stored.path).fingerprint == stored.fingerprint != made.fingerprint


def test_finished_sets_are_used_as_they_are(beir_dir, tmp_path):
    """Vectors shared beside the real collections: found, not encoded."""
    shared = sorted((beir_dir.parent / "embeddings").glob("*-all-MiniLM-L6-v2.hdf5"))
    if not shared:
        pytest.skip("there are no finished embeddings beside the real collections")
    for path in shared:
        copy = Path(shutil.copyfile(path, tmp_path / path.name))
        stamp = copy.stat().st_mtime_ns
        dataset = path.stem.removesuffix("-all-MiniLM-L6-v2")
        for seed in (0, 1):
            found = Preparation(dataset, source=SourceOptions(beir_dir=beir_dir, seed=seed), data_dir=tmp_path).run()
            assert (found.path, copy.stat().st_mtime_ns) == (copy, stamp)
