"""Embedding sets: the layout, and files that are not what they should be."""

from __future__ import annotations

import hashlib
import json

import h5py
import numpy as np
import pytest
from conftest import unit

from binbench.errors import UserError
from binbench.sets.embeddings import EmbeddingSet, write_set


@pytest.fixture
def vectors(rng):
    return unit(rng.standard_normal((120, 6))), unit(rng.standard_normal((9, 6)))


def made(path, train, test, **more):
    return write_set(path, train.shape, [train[:50], train[50:]], test, {"distance": "angular"}, **more)


def test_layout_is_ann_benchmarks(tmp_path, vectors):
    train, test = vectors
    qrels = np.array([[0, 3, 1]], np.int32)
    made(
        tmp_path / "a.hdf5", train, test, ids=([f"é{i}" for i in range(120)], [f"q{i}" for i in range(9)]), qrels=qrels
    )
    with h5py.File(tmp_path / "a.hdf5") as file:
        assert {name: (file[name].shape, file[name].dtype) for name in ("train", "test", "neighbors", "distances")} == {
            "train": ((120, 6), np.float32),
            "test": ((9, 6), np.float32),
            "neighbors": ((9, 100), np.int32),
            "distances": ((9, 100), np.float32),
        }
        assert {key: file.attrs[key] for key in ("type", "distance", "dimension", "point_type")} == {
            "type": "dense",
            "distance": "angular",
            "dimension": 6,
            "point_type": "float",
        }
        assert file["train"].chunks is None
        assert file["train"].compression is None
        assert file.attrs["sha256_train"] == hashlib.sha256(train.tobytes()).hexdigest()
        assert file.attrs["sha256_test"] == hashlib.sha256(test.tobytes()).hexdigest()
        assert file["train_ids"][3].decode() == "é3"
        np.testing.assert_array_equal(file["qrels"][:], qrels)
        np.testing.assert_array_equal(file["train"][:], train)
    opened = EmbeddingSet.open(tmp_path / "a.hdf5")
    np.testing.assert_array_equal(opened.train, train)
    assert opened.test_ids[8] == "q8"


def test_arrays_cannot_be_written_to(tmp_path, vectors):
    opened = made(tmp_path / "a.hdf5", *vectors)
    for array in (opened.train, opened.test, opened.neighbors, opened.distances):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    for array in (opened.train, opened.test):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.flags.writeable = True


def test_set_without_judgements(tmp_path, vectors):
    opened = made(tmp_path / "a.hdf5", *vectors)
    assert opened.qrels is None
    assert opened.train_ids is None


def test_fewer_documents_than_neighbours(tmp_path, vectors):
    assert made(tmp_path / "a.hdf5", vectors[0][:60], vectors[1]).neighbors.shape == (9, 60)


def test_queries_among_the_documents_are_counted(tmp_path, vectors):
    train, test = vectors
    test = np.concatenate([test, train[[5, 77]]])
    assert made(tmp_path / "a.hdf5", train, test).attributes["queries_in_train"] == 2


@pytest.mark.parametrize(
    ("value", "message"),
    [(np.nan, "document vector 70 holds NaN"), (np.inf, "vector 70 holds NaN or inf"), (0, "zeros")],
)
def test_bad_vectors_are_named_and_nothing_is_left(tmp_path, vectors, value, message):
    train, test = vectors
    train[70] = value
    with pytest.raises(UserError, match=message):
        made(tmp_path / "a.hdf5", train, test)
    assert list(tmp_path.iterdir()) == []


def test_bad_queries_are_named(tmp_path, vectors):
    train, test = vectors
    test[4, 2] = np.nan
    with pytest.raises(UserError, match="query vector 4 holds NaN"):
        made(tmp_path / "a.hdf5", train, test)


def test_dimensions_that_differ(tmp_path, vectors):
    with pytest.raises(UserError, match="documents have dimension 6, the queries 5"):
        made(tmp_path / "a.hdf5", vectors[0], vectors[1][:, :5])


def test_zero_vectors_are_fine_under_euclidean_distance(tmp_path, vectors):
    train = vectors[0].copy()
    train[3] = 0
    opened = write_set(tmp_path / "a.hdf5", train.shape, [train], vectors[1], {"distance": "euclidean"})
    assert opened.distances[0, 0] == pytest.approx(np.linalg.norm(train - vectors[1][0], axis=1).min())


@pytest.mark.parametrize("keep", [0, 10, 2000, -1000])
def test_truncated_file(tmp_path, vectors, keep):
    path = tmp_path / "a.hdf5"
    made(path, *vectors)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match="is not a readable HDF5 file; make it anew with"):
        EmbeddingSet.open(path)


def test_hdf5_of_something_else(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["x"] = 1
    with pytest.raises(UserError, match="not an embedding set: it has no 'train'"):
        EmbeddingSet.open(tmp_path / "a.hdf5")


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        EmbeddingSet.open(tmp_path / "a.hdf5")


def test_empty_set(tmp_path):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file["train"], file["test"] = np.zeros((0, 4), "f4"), np.ones((2, 4), "f4")
    with pytest.raises(UserError, match="no documents"):
        EmbeddingSet.open(tmp_path / "a.hdf5")


def test_chunked_foreign_file_loads(tmp_path, vectors):
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        file.create_dataset("train", data=vectors[0].astype("f8"), chunks=(10, 6), compression="gzip")
        file["test"] = vectors[1]
        file.attrs["distance"] = "angular"
    opened = EmbeddingSet.open(tmp_path / "a.hdf5")
    assert not opened.is_ours
    np.testing.assert_array_equal(opened.train, vectors[0])


def test_fingerprint_follows_the_vectors(tmp_path, vectors):
    train, test = vectors
    first = made(tmp_path / "a.hdf5", train, test).fingerprint
    assert made(tmp_path / "b.hdf5", train, test).fingerprint == first
    assert made(tmp_path / "c.hdf5", train[::-1].copy(), test).fingerprint != first


def test_provenance_survives(tmp_path, vectors):
    path = tmp_path / "a.hdf5"
    attributes = {"distance": "angular", "provenance": {"seed": 3}, "warnings": ["two"]}
    opened = write_set(path, vectors[0].shape, [vectors[0]], vectors[1], attributes)
    assert opened.attributes["provenance"] == {"seed": 3}
    assert opened.attributes["warnings"] == ["two"]
    with h5py.File(path) as file:
        assert json.loads(file.attrs["provenance"]) == {"seed": 3}


def test_full_disk(tmp_path, vectors, monkeypatch):
    def refuse(*ignored):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(UserError, match="the disk is full"):
        made(tmp_path / "a.hdf5", *vectors)
    assert list(tmp_path.iterdir()) == []
