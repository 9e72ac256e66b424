"""Decoded codes are what queries are compared with."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import unit

from binbench.plugins.registry import ALGORITHMS

SIGNS = ["binary64", "binary128-hnsw", "ortho64", "sign", "sign-mean", "sign-median", "itq64", "itq-faiss64"]
PLAIN = ["float", "float16", "int8", "int4", "pq8", "pqfs8", "rq8", "ivf64"]
ROTATED = ["opq8", "pca64", "int2", "rabitq1", "binary128-asym", "sign-asym"]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rows = unit(np.random.Generator(np.random.PCG64(5)).standard_normal((600, 64)))
    rows.flags.writeable = False
    return rows


def fitted(name, vectors):
    algorithm = ALGORITHMS.get(name).create(dimension=64, seed=0, metric="angular")
    algorithm.fit(vectors)
    return algorithm


@pytest.mark.parametrize("name", SIGNS)
def test_bits_are_signs_whose_product_is_the_score(name, vectors):
    algorithm = fitted(name, vectors)
    signs = algorithm.decode(vectors)
    assert signs.dtype == np.float32
    assert set(np.unique(signs).tolist()) == {-1.0, 1.0}
    ids, scores = algorithm.query(vectors[:5], 10)
    assert algorithm.score_scale == "hamming"
    np.testing.assert_allclose(np.einsum("qd,qkd->qk", signs[:5], signs[ids]) / signs.shape[1], scores, atol=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_floats_meet_decoded_vectors(name, vectors):
    algorithm = fitted(name, vectors)
    decoded = algorithm.decode(vectors)
    ids, scores = algorithm.query(vectors[:5], 10)
    # Fast scan rounds its tables to 8 bits.
    tolerance = 0.05 if name.startswith("pqfs") else 1e-3
    np.testing.assert_allclose(np.einsum("qd,qkd->qk", vectors[:5], decoded[ids]), scores, atol=tolerance)


@pytest.mark.parametrize("name", ROTATED)
def test_decoded_vectors_keep_the_geometry_up_to_a_rotation(name, vectors):
    decoded = fitted(name, vectors).decode(vectors)
    assert decoded.dtype == np.float32
    pairs = np.triu_indices(300, 1)
    true, own = ((rows[:300] @ rows[:300].T)[pairs] for rows in (vectors, decoded))
    assert np.corrcoef(true, own)[0, 1] > 0.5


@pytest.mark.parametrize("name", ["hnsw16", "rabitq4", "pq8-rescore-float"])
def test_methods_without_codes_of_their_own_say_so(name, vectors):
    assert fitted(name, vectors).decode(vectors) is None
