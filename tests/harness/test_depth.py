"""Depth, told honestly: arguments at their effective value, rows that flatter or outweigh marked, float unasked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import unit
from measured import Stored, job, rows_of

from binbench.harness.run import Outcome
from binbench.harness.worker import perform
from binbench.plugins.registry import ALGORITHMS
from binbench.records.record import Record
from binbench.sets.embeddings import EmbeddingSet, write_set


@pytest.mark.parametrize(
    ("name", "count", "expected"),
    [
        ("hnsw16", 20, [{"ef_search": 20}, {"ef_search": 64}, {"ef_search": 256}]),
        ("hnsw16", 100, [{"ef_search": 100}, {"ef_search": 256}]),
        ("hnsw16@mrl8", 100, [{"ef_search": 100}, {"ef_search": 256}]),
        ("binary64-hnsw", 1000, [{"ef_search": 1000}]),
        ("usearch-b1", 70, [{"expansion_search": n} for n in (70, 256, 0)]),
        ("faiss:PQ4,RFlat", 250, [{"candidates": 250}, {"candidates": 1000}]),
        ("faiss:IVF16_HNSW8,Flat", 5, [{"nprobe": n, "quantizer_efSearch": e} for n in (1, 4, 16) for e in (16, 64)]),
        ("ivf8", 100, [{"nprobe": 1}, {"nprobe": 4}]),
        ("binary64-rescore-float", 100, [{"candidates": n} for n in (20, 40, 100, 250, 1000)]),
    ],
)
def test_arguments_stand_at_their_effective_value(
    small_set: EmbeddingSet, tmp_path: Path, name: str, count: int, expected: list[dict[str, int]]
) -> None:
    asked = job(small_set, tmp_path, name).model_copy(update={"count": count})
    assert asked.query_arguments() == expected


@pytest.mark.parametrize("name", ["hnsw16", "binary64-hnsw"])
def test_faiss_keeps_k_nodes_in_view(rng: np.random.Generator, name: str) -> None:
    train, queries = unit(rng.standard_normal((3000, 16))), unit(rng.standard_normal((20, 16)))
    algorithm = ALGORITHMS.get(name).create(dimension=16, seed=0)
    algorithm.fit(train)
    found = {}
    for ef_search in (16, 100, 400):
        algorithm.set_query_arguments(ef_search=ef_search)
        found[ef_search] = algorithm.query(queries, 100)[0]
    assert np.array_equal(found[16], found[100])
    assert not np.array_equal(found[100], found[400])


def test_rows_are_labelled_with_it(stored: Stored) -> None:
    methods = {row["method"] for row in rows_of(stored) if row["family"] == "hnsw"}
    assert methods == {"hnsw16 ef_search=20", "hnsw16 ef_search=64", "hnsw16 ef_search=256"}


def test_few_points_per_centroid_and_large_tables_are_marked(rng: np.random.Generator, tmp_path: Path) -> None:
    # 700 points: 39 for each of pqfs' 16 centroids need 624, for each of pq's 256 they need 9,984. The float vectors
    # take 4 · 700 · 16 = 44,800 bytes, rq4's codebooks 4 · 256 · 4 · 16 = 65,536 and pq4's 4 · 256 · 16 = 16,384.
    train, queries = unit(rng.standard_normal((700, 16))), unit(rng.standard_normal((5, 16)))
    made = write_set(tmp_path / "data" / "some.hdf5", train.shape, [train], queries, {"distance": "angular"})
    for name in ("pqfs4", "pq4", "rq4", "sign"):
        assert perform(job(made, tmp_path / "results", name)) == ("ok", "")
    rows = {row["instance"]: row for row in rows_of(Stored(tmp_path / "results", tmp_path / "data"))}
    assert {name for name, row in rows.items() if row["undertrained"]} == {"pq4", "rq4"}
    assert {name for name, row in rows.items() if row["outweighed"]} == {"rq4"}
    assert any("outweigh the float vectors" in note for note in rows["rq4"]["notes"])
    assert not any("outweigh" in note for note in rows["pq4"]["notes"])


def test_a_reference_that_nobody_asked_for_fails_no_command() -> None:
    failed = [
        Record.model_construct(path=Path(name), instance=name, status="failed", reason="x") for name in ("float", "pq8")
    ]
    assert [one.instance for one in Outcome(records=failed, asked=frozenset({"pq8", "int8"})).failures] == ["pq8"]
    assert len(Outcome(records=failed, asked=frozenset({"pq8", "float"})).failures) == 2
