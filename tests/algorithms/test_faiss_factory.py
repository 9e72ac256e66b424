"""`faiss:FACTORY` against our own methods on the same faiss indexes, its names, arguments and bytes."""

from __future__ import annotations

import numpy as np
import pytest

from binbench import Unsupported, UserError
from binbench.check import check
from binbench.harness.jobs import Job
from binbench.plugins.registry import ALGORITHMS, spelt_out


def unit(rows, dimension, seed):
    vectors = np.random.Generator(np.random.PCG64(seed)).standard_normal((rows, dimension)) + 0.2
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


TRAIN, QUERIES = unit(400, 64, 1), unit(20, 64, 2)


def fitted(name, **arguments):
    algorithm = ALGORITHMS.get(name).create(dimension=64, seed=0, metric="angular")
    algorithm.fit(TRAIN)
    algorithm.set_query_arguments(**arguments)
    return algorithm


@pytest.mark.parametrize(
    ("name", "arguments", "own", "own_arguments"),
    [
        ("faiss:Flat", {}, "float", {}),
        ("faiss:SQfp16", {}, "float16", {}),
        ("faiss:PQ32", {}, "pq32", {}),
        ("faiss:PQ32x4fs", {}, "pqfs16", {}),
        ("faiss:IVF8,Flat", {"nprobe": 2}, "ivf8", {"nprobe": 2}),
        ("faiss:IVF8,PQ16", {"nprobe": 8}, "ivfpq8x16", {"nprobe": 8}),
        ("faiss:HNSW16,Flat", {"efSearch": 16}, "hnsw16", {"ef_search": 16}),
    ],
)
def test_answers_are_those_of_our_own_plugin(name, arguments, own, own_arguments):
    ids, scores = fitted(name, **arguments).query(QUERIES, 10)
    expected, own_scores = fitted(own, **own_arguments).query(QUERIES, 10)
    np.testing.assert_allclose(scores, own_scores, atol=1e-5)
    # Rounding may change places only where two scores are as good as equal.
    assert (ids == expected).mean() > 0.98


def test_eight_bits_find_what_int8_finds():
    found = fitted("faiss:SQ8").query(QUERIES, 10)[0], fitted("int8").query(QUERIES, 10)[0]
    assert np.mean([len(set(a) & set(b)) / 10 for a, b in zip(*found, strict=True)]) > 0.95


@pytest.mark.parametrize(
    ("name", "codes", "rescore", "shared"),
    [
        ("faiss:Flat", 256, 0, 0),
        ("faiss:PQ16", 16, 0, 4 * 256 * 64),
        ("faiss:IVF8,SQ4", 32, 0, 4 * 8 * 64 + 4 * 2 * 64),
        ("faiss:PQ32x4fs,RFlat", 16, 256, 4 * 16 * 64),
        ("faiss:PCA32,SQ8", 32, 0, 4 * 32 * 64 + 4 * 64 + 4 * 2 * 32),
    ],
)
def test_bytes(name, codes, rescore, shared):
    import faiss

    algorithm = fitted(name)
    footprint = algorithm.footprint()
    assert footprint.total(400) == len(faiss.serialize_index(algorithm.index_))
    assert (footprint.codes, footprint.rescore) == (codes, rescore)
    # Headers, and what faiss keeps of PCA: all 64 eigenvalues, the mean, the whole matrix.
    assert shared <= footprint.shared <= shared + 1024 + (4 * 64 * 64 if "PCA" in name else 0)
    assert footprint.extras >= (8 if "IVF" in name else 0)


@pytest.mark.parametrize(
    ("name", "grid"),
    [
        ("faiss:Flat", {}),
        ("faiss:IVF16,Flat", {"nprobe": [1, 4, 16]}),
        ("faiss:IVF64_HNSW16,Flat", {"nprobe": [1, 4, 16, 64], "quantizer_efSearch": [16, 64]}),
        ("faiss:OPQ16_64,HNSW32,SQ8", {"efSearch": [16, 64, 256]}),
        ("faiss:PQ16x4fs,RFlat", {"candidates": [20, 40, 100, 250, 1000]}),
        ("faiss:IVF16,Flat@ortho", {"nprobe": [1, 4, 16]}),
    ],
)
def test_query_arguments_are_those_of_the_index(name, grid):
    assert ALGORITHMS.get(name).query_grid == grid


def test_query_arguments_reach_the_index():
    exact = fitted("float").query(QUERIES, 10)[0]
    found = [np.mean(fitted("faiss:IVF16,Flat", nprobe=n).query(QUERIES, 10)[0] == exact) for n in (1, 16)]
    assert found[0] < 0.9 < found[1] == 1
    with pytest.raises(TypeError, match="no query argument 'efSearch'"):
        fitted("faiss:IVF16,Flat", efSearch=3)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("faiss:IVF64,SQ4,pq32", ["faiss:IVF64,SQ4", "pq32"]),
        ("float, faiss:OPQ32_128,PQ32 ,sign", ["float", "faiss:OPQ32_128,PQ32", "sign"]),
        ("faiss:PQ16x4fs,Refine(SQ8),faiss:Flat", ["faiss:PQ16x4fs,Refine(SQ8)", "faiss:Flat"]),
        ("faiss:IVF{16,64},{Flat,SQ8}", [f"faiss:IVF{n},{code}" for n in (16, 64) for code in ("Flat", "SQ8")]),
        ("faiss:IVF64,SQ4@mrl{32,64},int8", ["faiss:IVF64,SQ4@mrl32", "faiss:IVF64,SQ4@mrl64", "int8"]),
        ("pq8,My", ["pq8", "My"]),
    ],
)
def test_commas_in_lists(text, names):
    assert spelt_out(text) == names


def test_commas_on_the_command_line():
    assert [one.name for one in ALGORITHMS.resolve(["faiss:IVF64,SQ4,pq8"])] == ["faiss:IVF64,SQ4", "pq8"]


def test_result_paths_are_one_safe_segment(tmp_path):
    job = Job(
        set_path=tmp_path / "set.hdf5",
        set_name="set",
        set_fingerprint="0",
        instance="faiss:IVF65536(IVF256,PQ16x4fs),SQ4",
        count=10,
        results_dir=tmp_path,
    )
    path = job.path({"nprobe": 4})
    assert path.parent == tmp_path / "set" / "10" / "faiss-batch"
    assert path.name == "faiss%3AIVF65536%28IVF256%2CPQ16x4fs%29%2CSQ4_nprobe=4_seed=0.hdf5"


def test_what_faiss_refuses():
    with pytest.raises(UserError, match="faiss makes no index of 'Nonsense'"):
        ALGORITHMS.get("faiss:Nonsense").create(dimension=64)
    with pytest.raises(Unsupported, match="PQ60 does not fit 64 dimensions"):
        ALGORITHMS.get("faiss:PQ60").create(dimension=64)
    with pytest.raises(Unsupported, match="400 documents are too few to train 1024 centroids"):
        fitted("faiss:IVF1024,Flat")


@pytest.mark.parametrize("name", ["faiss:Flat", "faiss:PCAR32,SQ4", "faiss:LSH", "faiss:IVF16_HNSW8,Flat"])
def test_conformance(name):
    assert [f"{result.rule}: {result.message}" for result in check(name) if not result.ok] == []


@pytest.mark.parametrize("metric", ["euclidean", "ip"])
def test_hamming_distances_are_not_taken_for_others(rng, metric):
    method = ALGORITHMS.get("faiss:LSH")
    rows = rng.standard_normal((50, 16)).astype(np.float32)
    with pytest.raises(Unsupported, match="ranks by the Hamming distance of codes"):
        method.create(dimension=16, seed=0, metric=metric).fit(rows)
    method.create(dimension=16, seed=0, metric="angular").fit(rows)
