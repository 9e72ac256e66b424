"""The page of databases is what its data says, and what can be tried out is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from binbench.errors import UserError
from binbench.plugins.registry import ALGORITHMS
from binbench.report.databases import databases, databases_markdown, settings_for

PAGE = Path(__file__).resolve().parents[2] / "docs" / "in-your-database.md"


def test_the_page_is_written_from_the_data():
    assert PAGE.read_text(encoding="utf-8") == databases_markdown()


def test_every_method_is_ours():
    families = {family.name for family in ALGORITHMS.families()}
    assert {name for system in databases().values() for entry in system.entries for name in entry.methods} <= families


def test_every_entry_is_reached_and_filled():
    """Some instance of every family leads to its entry, and no name is left open."""
    for name, system in databases().items():
        for entry in system.entries:
            found = [
                line
                for family in ALGORITHMS.families()
                if family.name in entry.methods
                for instance in family.instances()
                for line in settings_for(name, instance.name, 512, {"candidates": 250})
            ]
            assert any(entry.call in line for line in found), (name, entry.call)
            assert not [line for line in found if "$" in line]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("pq32", "PQ32np"),
        ("opq16", "OPQ16,PQ16np"),
        ("pqfs32", "PQ64x4fs"),
        ("ivfpq64x16", "IVF64,PQ16np"),
        ("int8", "SQ8"),
    ],
)
def test_faiss_makes_what_is_said(method, expected):
    import faiss

    settings = settings_for("faiss", method, 384, {})[1].strip()
    assert settings == expected
    assert faiss.index_factory(384, settings, faiss.METRIC_INNER_PRODUCT).d == 384


def test_faiss_knows_every_string():
    import faiss

    for family in ALGORITHMS.families():
        for instance in family.instances():
            lines = settings_for("faiss", instance.name, 384, {})
            if len(lines) > 1:
                faiss.index_factory(384, lines[1].strip(), faiss.METRIC_INNER_PRODUCT)


def test_settings_by_hand():
    # 384 float32 in 96 bytes are a sixteenth.
    held = json.loads(settings_for("qdrant", "pq96", 384, {})[1])
    assert held["quantization_config"]["product"]["compression"] == "x16"
    assert held["vectors"]["size"] == 384
    assert "no counterpart" in settings_for("qdrant", "pq32", 384, {})[0]  # x48 is not offered
    assert "bit(256)" in settings_for("pgvector", "binary256", 384, {})[1]
    assert "x[48]" in settings_for("vespa", "sign", 384, {})[1]
    assert "no counterpart" in settings_for("elasticsearch", "rabitq4", 384, {})[0]
    with pytest.raises(UserError, match="did you mean qdrant"):
        settings_for("qdran", "int8", 384, {})


@pytest.mark.parametrize(("method", "kind"), [("pq8", "IvfPq"), ("rabitq4", "IvfRq"), ("int8", "IvfHnswSq")])
def test_lancedb_builds_what_is_said(method, kind, rng, tmp_path):
    """Where LanceDB is at hand: the settings as they are printed, over vectors, and an index that answers."""
    connect = pytest.importorskip("lancedb", reason="LanceDB is not installed").connect
    vectors = rng.standard_normal((600, 64)).astype(np.float32)
    table = connect(tmp_path).create_table("v", [{"id": i, "vector": row} for i, row in enumerate(vectors)])
    settings = settings_for("lancedb", method, 64, {})[1].strip()
    exec(f'table.create_index(metric="cosine", {settings})', {"table": table})
    assert table.list_indices()[0].index_type == kind
    assert table.search(vectors[5]).limit(10).nprobes(100).to_list()[0]["id"] == 5


def test_qdrants_own_types_take_the_settings():
    create = pytest.importorskip("qdrant_client.models", reason="qdrant-client is not installed").CreateCollection
    held = create(**json.loads(settings_for("qdrant", "pq96", 384, {})[1]))
    assert held.quantization_config.product.compression == "x16"


def test_faiss_rescores_as_many_as_are_measured(rng):
    """With the factor that is named, what faiss makes of the string finds what our second stage finds."""
    import faiss

    vectors = rng.standard_normal((600, 32)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lines = settings_for("faiss", "pq8-rescore-float", 32, {"candidates": 600})
    index = faiss.index_factory(32, lines[1].strip(), faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    index.k_factor = float(lines[2].split(" here.")[0].rsplit(" ", 1)[1])
    assert index.k_factor == 60  # 600 candidates for ten results: all documents
    exact = np.argsort(-(vectors[:5] @ vectors.T), axis=1)[:, :10]
    assert (index.search(vectors[:5], 10)[1] == exact).all()
