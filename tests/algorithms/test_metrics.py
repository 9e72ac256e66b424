"""Every method ranks by each of the distances that it says it does, and by no other instead."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import unit
from families import one_of_each
from numpy.random import PCG64, Generator

from binbench import Unsupported
from binbench.plugins.faiss_index import blas_distances, one_thread
from binbench.plugins.registry import ALGORITHMS
from binbench.sets.neighbors import DISTANCES

K, ROWS, DIMENSION = 10, 600, 64
NAMES = [*one_of_each().values(), "faiss:HNSW32,SQ8", "faiss:PQ16x4fs,RFlat", "pq16@pca32", "int8@center"]


@pytest.fixture(autouse=True)
def quick():
    """faiss as workers have it."""
    with one_thread(), blas_distances():
        yield


@pytest.fixture(scope="module")
def vectors() -> tuple[np.ndarray, np.ndarray]:
    """Clustered documents of very different lengths, and queries: the three rankings hardly agree."""
    random = Generator(PCG64(0))
    centres = random.standard_normal((10, DIMENSION))
    documents, queries = (
        centres[random.integers(10, size=rows)] + 0.5 * random.standard_normal((rows, DIMENSION)) for rows in (ROWS, 40)
    )
    return (documents * random.lognormal(0, 0.6, (ROWS, 1))).astype("f4"), queries.astype("f4")


def truth(documents: np.ndarray, queries: np.ndarray) -> dict[str, np.ndarray]:
    x, q = documents.astype(float), queries.astype(float)
    tables = {
        "angular": -(q @ (x / np.linalg.norm(x, axis=1, keepdims=True)).T),
        "euclidean": np.linalg.norm(x[None] - q[:, None], axis=2),
        "ip": -(q @ x.T),
    }
    return {distance: np.argsort(table, axis=1)[:, :K] for distance, table in tables.items()}


def agreement(ids: np.ndarray, other: np.ndarray) -> float:
    return float(np.mean([len({*a} & {*b}) / K for a, b in zip(ids.tolist(), other.tolist(), strict=True)]))


def test_the_three_rankings_hardly_agree(vectors):
    found = truth(*vectors)
    assert max(agreement(found["angular"], found[other]) for other in ("euclidean", "ip")) < 0.55
    assert agreement(found["euclidean"], found["ip"]) < 0.2


@pytest.mark.parametrize("name", NAMES)
def test_methods_rank_by_what_they_say(vectors, name, monkeypatch):
    monkeypatch.setattr("binbench.algorithms.pq.OptimizedProductQuantization.turns", 5)
    documents, queries = vectors
    instance, expected = ALGORITHMS.get(name), truth(documents, queries)
    for distance in instance.family.plugin.metrics:
        if distance == "angular":
            continue
        algorithm = instance.create(dimension=DIMENSION, seed=0, metric=distance)
        algorithm.fit(documents)
        algorithm.set_query_arguments(**{argument: max(values) for argument, values in instance.query_grid.items()})
        ids, scores = algorithm.query(queries, K)
        agreed = {other: agreement(ids, rows) for other, rows in expected.items()}
        own = agreed.pop(distance)
        assert own > 0.5, f"{name} by {distance}"
        assert own > 1.2 * max(agreed.values()), f"{name} by {distance}"
        assert (np.diff(scores, axis=1) <= 0).all()


def test_those_that_know_one_distance_only_refuse_the_others(vectors):
    for name in ("usearch-i8", "usearch-b1"):
        with pytest.raises(Unsupported, match=r"directions, not lengths|is not installed"):
            ALGORITHMS.get(name).create(dimension=DIMENSION, metric="ip").fit(vectors[0])
    with pytest.raises(Unsupported, match="ranks by the Hamming distance of codes"):
        ALGORITHMS.get("faiss:ITQ32,LSH").create(dimension=DIMENSION, seed=0, metric="ip")
    assert set(DISTANCES.values()) == {"angular", "euclidean", "ip"}


def test_unit_rows_rank_alike_by_all(vectors):
    documents, queries = map(unit, vectors)
    for distance in DISTANCES.values():
        algorithm = ALGORITHMS.get("int8").create(dimension=DIMENSION, seed=0, metric=distance)
        algorithm.fit(documents)
        assert agreement(algorithm.query(queries, K)[0], truth(documents, queries)["angular"]) > 0.8
