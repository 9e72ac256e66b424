"""A small set and the plugins that misbehave on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import registered_meanwhile

from binbench.plugins.registry import load_file
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.prepare import Preparation

MISBEHAVING = Path(__file__).with_name("misbehaving.py")


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[Path]:
    """The plugin file, registered in this process too, for these tests only."""
    with registered_meanwhile():
        load_file(MISBEHAVING)
        yield MISBEHAVING


@pytest.fixture
def preparation(small_set: EmbeddingSet, tmp_path: Path) -> Preparation:
    """The set, as something to run on."""
    return Preparation(str(small_set.path), data_dir=tmp_path / "data")
