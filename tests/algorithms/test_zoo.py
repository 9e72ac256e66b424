"""The methods of other libraries: what they find, what they hold, and what is said where a library is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest

from binbench import Unsupported
from binbench.plugins.registry import ALGORITHMS

LIBRARY = {"usearch": "usearch", "turbovec": "turbovec", "rabitq": "rabitqlib", "hnswlib": "hnswlib"}

#: name, query arguments, recall@10 on SciFact with MiniLM as it was found with bare library calls, ± .02.
SCIFACT = [
    ("turbovec2", {}, 0.835),
    ("turbovec4", {}, 0.946),
    ("rabitq-ivf16x1", {"nprobe": 16}, 0.737),
    ("rabitq-ivf16x2", {"nprobe": 16}, 0.866),
    ("rabitq-ivf16x4", {"nprobe": 16}, 0.951),
    ("rabitq-ivf16x8", {"nprobe": 16}, 0.997),
    ("usearch-f16", {}, 0.99),
    ("usearch-i8", {}, 0.947),
    ("usearch-b1", {}, 0.56),
    ("itq128", {}, 0.471),
    ("itq256", {}, 0.575),
]

NAMES = ["usearch-f16", "usearch-i8", "usearch-b1", "turbovec2", "turbovec4", "rabitq-ivf16x4", "hnswlib16"]


def needs(name):
    """Skip where the library of `name` is missing."""
    for beginning, module in LIBRARY.items():
        if name.startswith(beginning):
            pytest.importorskip(module)


def unit(rows, dimension, seed):
    vectors = np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, dimension)) + 0.2
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


TRAIN, QUERIES = unit(800, 64, 1), unit(20, 64, 2)


def fitted(name, train=TRAIN, **arguments):
    needs(name)
    algorithm = ALGORITHMS.get(name).create(dimension=train.shape[1], seed=0, metric="angular")
    algorithm.fit(train)
    algorithm.set_query_arguments(**arguments)
    return algorithm


@pytest.mark.parametrize(("name", "arguments", "recall"), SCIFACT)
def test_recall_on_scifact(name, arguments, recall, beir_dir):
    file = Path(beir_dir).parent / "embeddings" / "scifact-all-MiniLM-L6-v2.hdf5"
    if not file.is_file():
        pytest.skip("no finished vectors of SciFact beside the BEIR collections")
    with h5py.File(file) as stored:
        train, queries, exact = stored["train"][:], stored["test"][:], stored["neighbors"][:, :10]
    ids, _ = fitted(name, train, **arguments).query(queries, 10)
    found = (ids[:, :, None] == exact[:, None, :]).any(axis=1).mean()
    assert found == pytest.approx(recall, abs=0.02)


def test_a_graph_searched_deep_finds_what_is_nearest():
    exact = np.argsort(-(QUERIES.astype(np.float64) @ TRAIN.T), axis=1)[:, :10]
    ids, scores = fitted("hnswlib16", ef_search=800).query(QUERIES, 10)
    assert np.array_equal(ids, exact)
    np.testing.assert_allclose(scores, np.take_along_axis(QUERIES @ TRAIN.T, ids, axis=1), atol=1e-5)


def test_usearch_bits_are_signs_ranked_by_hamming_distance():
    bits, asked = TRAIN > 0, QUERIES > 0
    distances = (asked[:, None] != bits).sum(axis=-1)
    _, scores = fitted("usearch-b1", expansion_search=0).query(QUERIES, 10)
    assert np.array_equal(-scores, np.sort(distances, axis=1)[:, :10])


def test_more_bits_lose_less():
    exact = np.argsort(-(QUERIES.astype(np.float64) @ TRAIN.T), axis=1)[:, :10]
    for names in (["turbovec2", "turbovec4"], ["rabitq-ivf8x1", "rabitq-ivf8x4", "rabitq-ivf8x8"]):
        found = []
        for name in names:
            ids, _ = fitted(name, **({"nprobe": 16} if "ivf" in name else {})).query(QUERIES, 10)
            found.append((ids[:, :, None] == exact[:, None, :]).any(axis=1).mean())
        assert found == sorted(found), (names, found)
        assert found[-1] > found[0] + 0.1


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        # Codes, and at least 8 bytes of row number where the library keeps one; a graph of 16 links takes 4 · 32 or so.
        ("turbovec4", 32 + 4, 32 + 8),
        ("turbovec2", 16 + 4, 16 + 8),
        ("rabitq-ivf16x4", 32 + 4, 32 + 40),
        ("usearch-f16", 128 + 8 + 4 * 32, 128 + 8 + 4 * 32 + 80),
        ("usearch-b1", 8 + 8 + 4 * 32, 8 + 8 + 4 * 32 + 80),
        ("hnswlib16", 256 + 8 + 4 * 32, 256 + 8 + 4 * 32 + 40),
        ("rabitq-hnsw16x4", 32 + 4 * 32, 32 + 4 * 32 + 60),
    ],
)
def test_bytes_per_vector(name, least, most):
    footprint = fitted(name, unit(3200, 64, 3)).footprint()
    assert least <= footprint.per_vector <= most


#: Prints how much the process grew per vector, once what was needed on the way is given back.
GROWTH = """
import ctypes, sys
import numpy as np
from binbench.plugins.registry import ALGORITHMS

def grown():
    ctypes.CDLL(None).malloc_trim(0)
    return 4096 * int(open("/proc/self/statm").read().split()[1])

name, dimension = sys.argv[1], int(sys.argv[2])
train = np.random.Generator(np.random.PCG64(0)).standard_normal((20000, dimension), dtype=np.float32)
train /= np.linalg.norm(train, axis=1, keepdims=True)
made = lambda rows: (method := ALGORITHMS.get(name).create(dimension=dimension, seed=0)).fit(rows) or method
warm = made(train[:500])
warm.query(train[:2], 5)
before = grown()
method = made(train)
method.query(train[:2], 5)
after = grown()
print((after - before) / 20000, method.footprint().total(20000) / 20000)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the memory of the process from /proc")
@pytest.mark.parametrize("name", NAMES)
def test_the_process_grows_by_what_is_stated(name):
    needs(name)
    # Graphs take their time: fewer dimensions for those.
    dimension = "64" if name.startswith(("usearch", "hnswlib")) else "384"
    done = subprocess.run([sys.executable, "-c", GROWTH, name, dimension], capture_output=True, text=True, check=True)
    grown, stated = map(float, done.stdout.split())
    assert 0.8 * stated - 16 <= grown <= 1.5 * stated + 64, (grown, stated)


@pytest.mark.parametrize("name", ["usearch-i8", "turbovec4", "rabitq-ivf16x4", "rabitq-hnsw16x4", "hnswlib16"])
def test_a_missing_library_is_a_reason_to_skip(name, monkeypatch):
    for module in (*LIBRARY.values(), "usearch.index"):
        monkeypatch.setitem(sys.modules, module, None)
    extra = next(module for beginning, module in LIBRARY.items() if name.startswith(beginning))
    with pytest.raises(Unsupported, match=rf"pip install 'binbench\[{extra}\]'"):
        ALGORITHMS.get(name).create(dimension=64)


@pytest.mark.parametrize(
    ("name", "dimension", "reason"),
    [
        ("turbovec4", 60, "60 does not divide by 8"),
        ("turbovec3", 64, "2 or 4 bits per dimension, not 3"),
        ("usearch-b1", 60, "60 does not divide by 8"),
        ("rabitq-ivf16x10", 64, "1 to 9 bits per dimension, not 10"),
    ],
)
def test_what_a_library_does_not_do(name, dimension, reason):
    needs(name)
    with pytest.raises(Unsupported, match=reason):
        ALGORITHMS.get(name).create(dimension=dimension)


def test_probes_are_no_more_than_lists():
    assert ALGORITHMS.get("rabitq-ivf4x1").query_grid == {"nprobe": [1, 4]}


def test_rabitqlib_takes_no_short_vectors():
    pytest.importorskip("rabitqlib")
    with pytest.raises(Unsupported, match="rabitqlib takes 64 dimensions at least, not 32"):
        ALGORITHMS.get("rabitq-ivf16x4").create(dimension=32)


@pytest.mark.parametrize("name", ["rabitq-ivf16x4", "rabitq-hnsw16x4"])
def test_few_training_points_are_told(name):
    for rows, notes in (
        (623, ["trained on 623 points; faiss advises at least 624; so few flatter it"]),
        (624, []),
    ):
        algorithm = fitted(name, unit(rows, 64, 1))
        assert (algorithm.facts["training_rows"], algorithm.facts["points_per_centroid"]) == (rows, rows / 16)
        assert algorithm.facts.get("notes", []) == notes


def test_scann_tells_of_few_training_points(monkeypatch):
    """With a stand-in for the library, which few machines have."""

    class Builder:
        def score_ah(self, dimensions, **arguments):
            assert (dimensions, arguments["training_sample_size"]) == (2, 100_000)
            return self

        def build(self):
            return object()

    library = SimpleNamespace(scann_ops_pybind=SimpleNamespace(builder=lambda *arguments: Builder()))
    monkeypatch.setitem(sys.modules, "scann", library)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    for rows, points, is_noted in ((623, 623 / 16, True), (624, 39, False), (100_001, 6250, False)):
        algorithm = ALGORITHMS.get("scann").create(dimension=4)
        algorithm.fit(np.zeros((rows, 4), np.float32))
        assert algorithm.facts["points_per_centroid"] == points
        assert bool(algorithm.facts.get("notes")) == is_noted
