"""E2's and E4's counting, on arrays small enough to count by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from conftest import unit
from scipy.stats import binom

from binbench.codes.packing import pack
from binbench.sets.embeddings import EmbeddingSet, write_set
from binbench.study import binarization, recode
from binbench.study.experiments.e3 import quantization_error
from binbench.study.experiments.e4 import cross_check
from binbench.study.recode import digest, digests, digests_elsewhere


def test_prevalence_counts_each_bit(rng: np.random.Generator) -> None:
    bits = (rng.random((700, 70)) < 0.3).astype(np.uint8)
    assert np.allclose(binarization.prevalence(pack(bits), 70), bits.mean(axis=0))


def test_rows_collide_only_with_other_vectors() -> None:
    codes = pack(np.array([[1, 0], [1, 0], [1, 0], [0, 1], [0, 1], [0, 0]], np.uint8))
    vectors = np.array([[1, 0], [1, 0], [2, 0], [3, 0], [3, 0], [4, 0]], np.float32)
    # The first three share a code and are two vectors; the next two are the same vector.
    assert binarization.colliding(codes, vectors) == pytest.approx(3 / 6)
    assert binarization.duplicated(vectors).tolist() == [True, True, False, True, True, False]
    assert binarization.colliding(codes[3:], vectors[3:]) == 0


@pytest.mark.parametrize("bits", [8, 64, 100, 512])
def test_the_binomial_and_the_histogram_share_their_classes(bits: int) -> None:
    expected = binarization.binomial(bits)
    assert sum(expected) == pytest.approx(1)
    drawn = np.random.Generator(np.random.PCG64(0)).binomial(bits, 0.5, 200_000)
    assert np.allclose(binarization.histogram(drawn, bits), expected, atol=0.01)
    assert len(expected) <= 64
    if bits == 8:
        assert sorted(value for value in expected if value) == pytest.approx(sorted(binom.pmf(range(9), 8, 0.5)))


def test_distances_of_pairs_are_of_different_rows() -> None:
    codes = pack(np.eye(5, dtype=np.uint8))
    found = binarization.pair_distances(codes, np.random.Generator(np.random.PCG64(0)), pairs=500)
    assert set(found.tolist()) == {2}


@pytest.fixture
def vectors(tmp_path: Path, rng: np.random.Generator) -> EmbeddingSet:
    """300 documents with duplicates, 30 queries."""
    train = unit(rng.standard_normal((300, 16)))
    train[200:] = train[:100]
    test = unit(rng.standard_normal((30, 16)))
    return write_set(tmp_path / "v.hdf5", train.shape, [train], test, {"distance": "angular"})


def test_a_second_process_computes_the_same_codes(vectors: EmbeddingSet, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = np.random.Generator(np.random.PCG64(3)).standard_normal((16, 64))
    codes = np.packbits(vectors.train.astype(np.float64) @ matrix > 0, axis=1, bitorder="little")
    ours = digests(vectors.path, [64, 128], 3)
    assert ours["64"] == hashlib.sha256(codes.tobytes()).hexdigest() == digest(codes.view(np.uint64))
    # It is another process: what is broken in this one does not matter there.
    monkeypatch.setattr(recode, "encode", None)
    assert digests_elsewhere(vectors.path, [64, 128], 3) == ours
    assert digests_elsewhere(vectors.path, [64, 128], 4) != ours
    assert digests_elsewhere(vectors.path.with_name("none.hdf5"), [64], 3) == {}


def test_the_ground_truth_is_confirmed_ties_and_all(vectors: EmbeddingSet) -> None:
    found = cross_check(vectors, held_out=20)
    assert (found.checked, found.agreeing) == (20, 20)
    assert found.worst < 1e-5


@pytest.mark.parametrize("fault", ["neighbour", "distance"])
def test_a_wrong_ground_truth_is_found(vectors: EmbeddingSet, fault: str) -> None:
    neighbors, distances = vectors.neighbors.copy(), vectors.distances.copy()
    if fault == "neighbour":
        missing = next(row for row in range(300) if row not in neighbors[4])
        neighbors[4, 0] = missing
    else:
        distances[4, 50] += 0.01
    vars(vectors).update(neighbors=neighbors, distances=distances)
    found = cross_check(vectors)
    assert (found.checked, found.agreeing) == (30, 29)


def test_euclidean_sets_are_checked_too(tmp_path: Path, rng: np.random.Generator) -> None:
    train, test = (3 * rng.standard_normal((n, 8)).astype(np.float32) for n in (200, 10))
    found = cross_check(write_set(tmp_path / "e.hdf5", train.shape, [train], test, {"distance": "euclidean"}))
    assert found.agreeing == 10


def test_the_quantization_error_is_that_of_decoded_codes(rng: np.random.Generator) -> None:
    # As many centroids as distinct sub-vectors: next to nothing is lost.
    blocks = rng.standard_normal((256, 8)).astype(np.float32)
    exact = np.tile(blocks, (4, 1))
    assert quantization_error(exact, "pq2", 0).quantization_error < 0.01
    cloud = rng.standard_normal((1000, 8)).astype(np.float32)
    coarse, fine = (quantization_error(cloud, name, 0) for name in ("pq1", "pq4"))
    assert 0 < fine.quantization_error < coarse.quantization_error < 1
    assert coarse.error_sample == 1000
