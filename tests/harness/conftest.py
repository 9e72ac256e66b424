"""A small set and the plugins that misbehave on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from conftest import registered_meanwhile, unit

from binbench.plugins.registry import ALGORITHMS
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.sets.prepare import Preparation

MISBEHAVING = Path(__file__).with_name("misbehaving.py")


@pytest.fixture(scope="module", autouse=True)
def plugins() -> Iterator[Path]:
    """The plugin file, registered in this process too, for these tests only."""
    with registered_meanwhile():
        ALGORITHMS.load_file(MISBEHAVING)
        yield MISBEHAVING


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """400 documents and 20 queries of dimension 16, with judgements."""
    rng = np.random.Generator(np.random.PCG64(3))
    train, test = unit(rng.standard_normal((400, 16))), unit(rng.standard_normal((20, 16)))
    qrels = np.array([(q, int(d), 1) for q in range(20) for d in np.argsort(-(train @ test[q]))[:3]], np.int32)
    path = tmp_path_factory.mktemp("sets") / "small.hdf5"
    ids = [f"d{i}" for i in range(400)], [f"q{i}" for i in range(20)]
    return write_set(path, train.shape, [train], test, {"distance": "angular"}, ids=ids, qrels=qrels)


@pytest.fixture
def preparation(small_set: EmbeddingSet, tmp_path: Path) -> Preparation:
    """The set, as something to run on."""
    return Preparation(str(small_set.path), data_dir=tmp_path / "data")
