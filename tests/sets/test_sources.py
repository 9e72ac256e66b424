"""What sources say of themselves before they are loaded."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.sets.corpus import SourceOptions
from binbench.sets.encoders import EncoderOptions
from binbench.sets.prepare import Preparation
from binbench.sets.sources import find_source


@pytest.mark.parametrize(
    ("name", "split", "sizes"),
    [
        ("scifact", None, (5183, 300, None)),
        ("scifact", "train", (5183, 809, None)),
        ("msmarco-500k", None, (500_000, 6980, None)),
        ("synthetic-300x16", None, (300, 1000, 16)),
        ("pydocs", None, (None, None, None)),
    ],
)
def test_sizes_of_registered_sources(name, split, sizes):
    assert find_source(name, SourceOptions(split=split)).sizes() == sizes


def test_sizes_of_a_folder(collection_dir, tmp_path):
    assert find_source(str(collection_dir), SourceOptions()).sizes() == (30, 5, None)
    assert find_source(str(tmp_path / "none"), SourceOptions()).sizes() == (None, None, None)


@pytest.mark.parametrize(("spec", "dimension"), [("e5-base-v2", 768), ("lsa100", 100), ("a/b", None)])
def test_dimensions_of_encoders(spec, dimension):
    assert EncoderOptions(spec).dimension == dimension


def test_a_folder_is_the_same_from_anywhere(collection_dir, tmp_path, monkeypatch):
    options = EncoderOptions("lsa8")
    made = Preparation(str(collection_dir), options, data_dir=tmp_path / "data").run()
    for folder, given in ((collection_dir.parent, "tiny"), (collection_dir.parent, "./tiny"), (collection_dir, ".")):
        monkeypatch.chdir(folder)
        assert Preparation(given, options, data_dir=tmp_path / "data").find().path == made.path
    (tmp_path / "b").mkdir()
    collection_dir.rename(tmp_path / "b" / "tiny")
    monkeypatch.chdir(tmp_path / "b")
    moved = Preparation("tiny", options, data_dir=tmp_path / "data")
    assert moved.find() is None
    assert moved.run().fingerprint == made.fingerprint


def test_a_name_in_the_beir_folder_does_not_move_with_it(collection_dir, tmp_path):
    data = tmp_path / "data"
    first = Preparation("tiny", EncoderOptions("lsa8"), SourceOptions(beir_dir=tmp_path), data).run()
    (tmp_path / "moved").mkdir()
    collection_dir.rename(tmp_path / "moved" / "tiny")
    again = Preparation("tiny", EncoderOptions("lsa8"), SourceOptions(beir_dir=tmp_path / "moved"), data).run()
    np.testing.assert_array_equal(first.train, again.train)
    assert again.attributes["source"] == "tiny"
