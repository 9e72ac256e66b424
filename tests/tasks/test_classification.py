"""Codes as features for classifiers."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import unit
from sklearn.neighbors import KNeighborsClassifier

from binbench import UserError
from binbench.sets.corpus import SourceOptions
from binbench.sets.embeddings import write_set
from binbench.sets.prepare import EncoderOptions, Preparation
from binbench.tasks.classification import Task, classify, task_from_dataset, task_from_files
from binbench.tasks.tsv import read_labelled


@pytest.fixture
def task(rng) -> Task:
    """Three overlapping classes in 16 dimensions."""
    centres = rng.standard_normal((3, 16))
    labels = np.repeat(["a", "b", "c"], 120)
    rows = unit(np.repeat(centres, 120, axis=0) + 1.5 * rng.standard_normal((360, 16)))
    rows.flags.writeable = False
    train = np.arange(360) % 3 > 0
    return Task("blobs", rows[train], rows[~train], labels[train], labels[~train])


def test_float_codes_change_nothing_and_short_ones_cost_accuracy(task):
    exact, short = classify(task, ["float", "binary64"])
    for figures in exact.figures:
        assert figures.code_accuracy == figures.float_accuracy
        assert (figures.accuracy.wins, figures.accuracy.losses) == (0, 0)
    assert [f.classifier for f in short.figures] == ["logistic regression", "k-nn"]
    for figures in short.figures:
        assert 0.4 < figures.code_accuracy < figures.float_accuracy
        assert figures.accuracy.difference.low < figures.accuracy.difference.estimate < 0
    assert (exact.bytes_per_vector, short.bytes_per_vector) == (64, 8)


def test_k_nn_on_bits_by_scikit_learn(task):
    (row,) = classify(task, ["sign"], ["k-nn"])
    bits = KNeighborsClassifier(5, metric="hamming", algorithm="brute").fit(task.train > 0, task.train_labels)
    # Equal distances leave the choice of the fifth neighbour open.
    assert row.figures[0].code_accuracy == pytest.approx(bits.score(task.test > 0, task.test_labels), abs=0.04)


def test_methods_without_features_are_skipped_and_broken_ones_fail(task, monkeypatch):
    from binbench.plugins.registry import ALGORITHMS

    skipped = classify(task, ["hnsw16", "binary64-rescore-float", "pq8"], ["k-nn"])
    assert {row.status for row in skipped} == {"skipped"}
    assert skipped[0].reason == "its codes cannot be made features"
    assert "too few to train" in skipped[2].reason
    monkeypatch.setattr(ALGORITHMS.get("int8").family.plugin, "decode", lambda self, vectors: 1 / 0)
    (row,) = classify(task, ["int8"], ["k-nn"])
    assert (row.status, row.reason) == ("failed", "ZeroDivisionError: division by zero")


def test_files(tmp_path, caplog):
    words = {
        "animal": ["ant", "bee", "cat", "dog", "eel", "fox"],
        "metal": ["gold", "iron", "lead", "zinc", "tin", "steel"],
    }
    lines = [f"{a} {b}\t{label}" for label, names in words.items() for a in names for b in names if a != b]
    (tmp_path / "train.tsv").write_text("\n".join(lines[::2]) + "\n")
    (tmp_path / "test.tsv").write_text("\n".join([*lines[1::2], "ant\tplant"]) + "\n")
    task = task_from_files(tmp_path / "train.tsv", tmp_path / "test.tsv", EncoderOptions("lsa4"), tmp_path)
    assert (len(task.train), len(task.test), task.classes) == (30, 31, 2)
    assert "labels that" in caplog.text
    assert "plant" in caplog.text
    (row,) = classify(task, ["float"], ["k-nn"])
    assert row.figures[0].code_accuracy == pytest.approx(30 / 31)
    one = Task("one", task.train, task.test, np.full(30, "x"), task.test_labels)
    with pytest.raises(UserError, match="fewer than two different labels"):
        classify(one, ["float"])


def test_pydocs_predicts_modules(tmp_path, rng):
    modules = ["abc"] * 60 + ["email.mime"] * 25 + ["email"] * 15 + ["this"] * 9 + ["zlib"] * 10
    ids = [f"{module}:name{row}" for row, module in enumerate(modules)]
    vectors = unit(rng.standard_normal((len(ids), 8)))
    preparation = Preparation("pydocs", EncoderOptions("lsa8"), SourceOptions(), tmp_path)
    attributes = {"distance": "angular", "source": "pydocs", "encoder_spec": "lsa8"}
    write_set(preparation.path, vectors.shape, [vectors], vectors[:2], attributes, ids=(ids, ["q0", "q1"]))
    first, again, other = (task_from_dataset(preparation, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test, again.test)
    assert not np.array_equal(first.test, other.test)
    # Nine documents are too few for a class of their own.
    names, counts = np.unique(np.concatenate([first.train_labels, first.test_labels]), return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"abc": 60, "email": 40, "zlib": 10}
    assert len(first.test) == round(110 / 4)
    rows = {row.tobytes(): label.partition(":")[0].partition(".")[0] for row, label in zip(vectors, ids, strict=True)}
    for part, labels in ((first.train, first.train_labels), (first.test, first.test_labels)):
        assert [rows[row.tobytes()] for row in part] == labels.tolist()
    assert not {row.tobytes() for row in first.train} & {row.tobytes() for row in first.test}
    with pytest.raises(UserError, match="has no classes to predict"):
        task_from_dataset(Preparation("scifact", data_dir=tmp_path))


@pytest.mark.parametrize(("name", "sizes"), [("trec6", (5452, 500, 6)), ("banking77", (10003, 3080, 77))])
def test_published_sizes_of_real_tasks(beir_dir, name, sizes):
    folder = beir_dir.parent / "cls" / name
    if not folder.is_dir():
        pytest.skip(f"there is no cls/{name} beside the real collections")
    (train, labels), (test, test_labels) = (read_labelled(folder / f"{part}.tsv") for part in ("train", "test"))
    assert (len(train), len(test), len(set(labels.tolist()))) == sizes
    assert set(test_labels.tolist()) <= set(labels.tolist())
