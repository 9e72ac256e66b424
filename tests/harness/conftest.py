"""A small set and the plugins that misbehave on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from binbench.plugins.registry import load_file
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.prepare import Preparation

MISBEHAVING = Path(__file__).with_name("misbehaving.py")


@pytest.fixture(scope="session", autouse=True)
def plugins() -> Path:
    """The plugin file, registered in this process too."""
    load_file(MISBEHAVING)
    return MISBEHAVING


@pytest.fixture
def preparation(small_set: EmbeddingSet, tmp_path: Path) -> Preparation:
    """The set, as something to run on."""
    return Preparation(str(small_set.path), data_dir=tmp_path / "data")
