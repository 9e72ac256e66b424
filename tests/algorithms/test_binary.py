"""The binary plugin: names, footprint, ranking with ties by row."""

from __future__ import annotations

import numpy as np
import pytest

from binbench.plugins.registry import ALGORITHMS


@pytest.fixture
def train(rng: np.random.Generator) -> np.ndarray:
    rows = rng.standard_normal((500, 20))
    rows[100:150] = rows[50]
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_the_default_grid() -> None:
    assert [i.name for i in ALGORITHMS.resolve(["binary"])] == ["binary64", "binary128", "binary256", "binary512"]


@pytest.mark.parametrize("bits", [64, 100, 256])
def test_ranking_against_brute_force(bits: int, train: np.ndarray) -> None:
    method = ALGORITHMS.get(f"binary{bits}").create(dimension=20, seed=5)
    method.fit(train)
    queries = train[45:55]
    matrix = np.random.Generator(np.random.PCG64(5)).standard_normal((20, bits))
    codes, asked = (rows.astype(np.float64) @ matrix > 0 for rows in (train, queries))
    distances = (asked[:, None] != codes[None]).sum(axis=2)
    ids, scores = method.query(queries, 60)
    assert (ids.dtype, scores.dtype) == (np.int64, np.float32)
    assert np.array_equal(ids, np.argsort(distances, axis=1, kind="stable")[:, :60])
    assert np.array_equal(scores, (1 - 2 * np.take_along_axis(distances, ids, axis=1) / bits).astype(np.float32))
    flat, flat_scores, offsets = method.tied(queries, 10)
    for i, row in enumerate(distances):
        stretch = slice(offsets[i], offsets[i + 1])
        wanted = [j for j in np.argsort(row, kind="stable") if row[j] <= np.sort(row)[9]]
        assert flat[stretch].tolist() == wanted
        assert flat_scores[stretch].tolist() == (1 - 2 * row[wanted] / bits).astype(np.float32).tolist()


def test_fewer_documents_than_asked(train: np.ndarray) -> None:
    method = ALGORITHMS.get("binary64").create(dimension=20)
    method.fit(train[:2])
    ids, scores = method.query(train[1:2], 4)
    assert sorted(ids[0, :2]) == [0, 1]
    assert ids[0, 2:].tolist() == [-1, -1]
    assert scores[0, 2:].tolist() == [-np.inf, -np.inf]


@pytest.mark.parametrize(("bits", "codes"), [(64, 8), (100, 16), (256, 32), (512, 64)])
def test_footprint_is_what_is_held(bits: int, codes: int, train: np.ndarray) -> None:
    method = ALGORITHMS.get(f"binary{bits}").create(dimension=20)
    method.fit(train)
    footprint = method.footprint()
    assert (footprint.codes, footprint.extras, footprint.rescore) == (codes, 0, 0)
    assert footprint.codes * len(train) == method.codes_.nbytes
    assert footprint.shared == 20 * bits * 8
