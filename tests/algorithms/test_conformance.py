from __future__ import annotations

import pytest

from binbench import Unsupported
from binbench.check import check
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.registry import ALGORITHMS

#: The default grid that issue and documentation promise.
PROMISED = [
    "float",
    "float16",
    "pca64",
    "pca128",
    "pca192",
    "pca256",
    "int8",
    "int6",
    "int4",
    "int2",
    "int8-minmax",
    "binary64",
    "binary128",
    "binary256",
    "binary512",
    "ortho64",
    "ortho128",
    "ortho256",
    "ortho512",
    "sign",
    "sign-mean",
    "sign-median",
    "itq64",
    "itq128",
    "itq256",
    "itq-faiss64",
    "itq-faiss128",
    "itq-faiss256",
    "binary64-asym",
    "binary128-asym",
    "binary256-asym",
    "binary512-asym",
    "ortho64-asym",
    "ortho128-asym",
    "ortho256-asym",
    "ortho512-asym",
    "sign-asym",
    "rabitq1",
    "rabitq2",
    "rabitq4",
    "pq8",
    "pq16",
    "pq32",
    "pq64",
    "opq8",
    "opq16",
    "opq32",
    "opq64",
    "pqfs8",
    "pqfs16",
    "pqfs32",
    "pqfs64",
    "rq8",
    "rq16",
    "rq32",
    "binary64-rescore-int8",
    "binary128-rescore-int8",
    "binary256-rescore-int8",
    "binary512-rescore-int8",
    "binary64-rescore-float",
    "binary128-rescore-float",
    "binary256-rescore-float",
    "binary512-rescore-float",
    "sign-rescore-self",
    "pq8-rescore-float",
    "pq16-rescore-float",
    "pq32-rescore-float",
    "pq64-rescore-float",
    "hnsw16",
    "hnsw32",
    "ivf64",
    "ivf256",
    "ivfpq64x16",
    "ivfpq64x32",
    "ivfpq64x64",
    "binary64-hnsw",
    "binary128-hnsw",
    "binary256-hnsw",
    "binary512-hnsw",
    "scann",
    "usearch-f16",
    "usearch-i8",
    "usearch-b1",
    "turbovec2",
    "turbovec4",
    "rabitq-ivf16x1",
    "rabitq-ivf16x2",
    "rabitq-ivf16x4",
    "rabitq-ivf16x8",
    "rabitq-hnsw16x4",
    "hnswlib16",
    "hnswlib32",
    "faiss:SQ8",
    "faiss:IVF64,SQ4",
    "faiss:HNSW32,SQ8",
    "faiss:RaBitQ",
    "faiss:PQ16x4fs,RFlat",
]


def built_in() -> list[str]:
    """The default instances of the package's own plugins."""
    families = [f for f in ALGORITHMS.families() if f.plugin.__module__.startswith("binbench.algorithms.")]
    return [instance.name for family in families for instance in family.instances()]


def test_the_default_grid():
    assert sorted(built_in()) == sorted(PROMISED)


@pytest.fixture
def few_turns(monkeypatch):
    """Training that takes the same way in a tenth of the time: how good codes are is tested elsewhere."""
    monkeypatch.setattr(FaissAlgorithm, "rounds", 1)
    for name, attribute, value in (
        ("opq8", "turns", 1),
        ("itq64", "turns", 2),
        ("itq-faiss64", "turns", 2),
        ("rq8", "beam", 1),
    ):
        monkeypatch.setattr(ALGORITHMS.get(name).family.plugin, attribute, value)


@pytest.mark.parametrize("name", built_in())
def test_every_built_in_instance_conforms(name, few_turns):
    try:
        results = check(name)
    except Unsupported as reason:
        pytest.skip(str(reason))
    assert [f"{result.rule}: {result.message}" for result in results if not result.ok] == []
