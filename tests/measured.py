"""A small set, results on it from real workers, and made-up rows for charts."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import unit

from binbench.harness.figures import evaluate
from binbench.harness.jobs import Job
from binbench.harness.results import write_failure
from binbench.harness.worker import perform
from binbench.plugins.registry import ALGORITHMS
from binbench.records.columns import COLUMNS
from binbench.records.rows import Row
from binbench.records.rows import rows as read_rows
from binbench.sets.embeddings import EmbeddingSet, write_set

REASON = 'took <b>longer</b> than 1 s & 50 % of $x_1 | "more"'
QUERIES = 20


@dataclass(frozen=True)
class Stored:
    """Folders of results and of the set they were measured on."""

    results_dir: Path
    data_dir: Path

    @property
    def embeddings(self) -> EmbeddingSet:
        return EmbeddingSet.open(self.data_dir / "small.hdf5")


def make_set(path: Path, seed: int = 3) -> EmbeddingSet:
    """400 documents and 20 queries of dimension 16, with judgements."""
    rng = np.random.Generator(np.random.PCG64(seed))
    train, test = unit(rng.standard_normal((400, 16))), unit(rng.standard_normal((QUERIES, 16)))
    qrels = np.array([(q, int(d), 1) for q in range(QUERIES) for d in np.argsort(-(train @ test[q]))[:3]], np.int32)
    ids = [f"d{i}" for i in range(400)], [f"q{i}" for i in range(QUERIES)]
    return write_set(path, train.shape, [train], test, {"distance": "angular"}, ids=ids, qrels=qrels)


def job(embeddings: EmbeddingSet, results_dir: Path, instance: str, mode: Any = "batch", seed: int = 0) -> Job:
    """A job with k = 20 and two repeats."""
    return Job(
        set_path=str(embeddings.path),
        set_name=embeddings.name,
        set_fingerprint=embeddings.fingerprint,
        instance=instance,
        count=20,
        mode=mode,
        seed=seed if ALGORITHMS.get(instance).seeded else None,
        runs=2,
        results_dir=str(results_dir),
        command="binbench run --plugin mine.py",
    )


def rows_of(stored: Stored, data_dir: Path | None = None) -> list[Row]:
    """All rows; with the set at hand unless another folder is given."""
    return read_rows(stored.results_dir, data_dir or stored.data_dir)


def by_method(rows: list[Row], mode: str = "batch") -> dict[str, Row]:
    """The rows of one mode."""
    return {row["method"]: row for row in rows if row["mode"] == mode}


@pytest.fixture(scope="session")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """The set alone."""
    return make_set(tmp_path_factory.mktemp("sets") / "small.hdf5")


@pytest.fixture(scope="session")
def _stored_once(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    folder = tmp_path_factory.mktemp("stored")
    stored = Stored(folder / "results", folder / "data")
    embeddings = make_set(stored.data_dir / "small.hdf5")
    for instance, mode in (
        ("float", "batch"),
        ("int8", "batch"),
        ("pq8", "batch"),
        ("binary64", "batch"),
        ("hnsw16", "batch"),
        ("binary64", "single"),
        ("pq8", "single"),
    ):
        assert perform(job(embeddings, stored.results_dir, instance, mode)) == ("ok", "")
    write_failure(job(embeddings, stored.results_dir, "opq8"), {}, "timeout", REASON, embeddings)
    write_failure(job(embeddings, stored.results_dir, "sign"), {}, "skipped", "not today", embeddings)
    assert evaluate(stored.results_dir, stored.data_dir)[1] == []
    return stored


@pytest.fixture
def stored(_stored_once: Stored, tmp_path: Path) -> Stored:
    """A copy of the results that the test may change; the set is shared."""
    shutil.copytree(_stored_once.results_dir, tmp_path / "results")
    return Stored(tmp_path / "results", _stored_once.data_dir)


@pytest.fixture
def make_row() -> Callable[..., Row]:
    """Rows with the columns given and plausible others."""

    def make(**given: Any) -> Row:
        usual = {
            "set": "made-up",
            "dataset": "made-up",
            "encoder": "lsa16",
            "family": "binary",
            "instance": "binary64",
            "method": given.get("instance", "binary64"),
            "k": 100,
            "mode": "batch",
            "threads": 1,
            "seed": 0,
            "documents": 1000,
            "queries": 50,
            "dimension": 16,
            "status": "ok",
            "reason": "",
            "notes": [],
            "fingerprint": "abc",
            "date": "2026-01-02T03:04:05+00:00",
            "file": f"{given}",
        }
        return dict.fromkeys(COLUMNS) | usual | given

    return make
