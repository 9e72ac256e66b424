from __future__ import annotations

import numpy as np
import pytest
from binbench.datasets import synthetic

from binbench import UserError
from binbench.sets.corpus import SourceOptions, VectorSource
from binbench.sets.sources import find_source


def opened(name: str, seed: int = 0) -> VectorSource:
    source = find_source(name, SourceOptions(seed=seed)).load()
    assert isinstance(source, VectorSource)
    return source


def rows(source: VectorSource) -> np.ndarray:
    return np.concatenate(list(source.train()))


def test_shapes_and_unit_rows():
    source = opened("synthetic-20000x24")
    train = rows(source)
    assert train.shape == (source.count, source.dimension) == (20000, 24)
    assert source.test.shape == (1000, 24)
    assert train.dtype == source.test.dtype == np.float32
    for vectors in (train, source.test):
        np.testing.assert_allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=1e-6)


def test_blocks_are_bounded():
    assert [len(block) for block in opened("synthetic-40000x8").train()] == [16384, 16384, 7232]


def test_seeded_repeatable_and_a_smaller_set_begins_a_larger_one():
    source = opened("synthetic-17000x16")
    train = rows(source)
    assert np.array_equal(train, rows(source))
    assert np.array_equal(train, rows(opened("synthetic-17000x16")))
    assert np.array_equal(train[:100], rows(opened("synthetic-100x16")))
    assert not np.array_equal(train, rows(opened("synthetic-17000x16", seed=1)))
    assert not np.array_equal(source.test, opened("synthetic-17000x16", seed=1).test)


def test_queries_are_not_in_the_base_but_of_its_clusters():
    source = opened("synthetic-10000x64")
    train = rows(source)
    everything = np.concatenate([train, source.test])
    assert len(np.unique(everything, axis=0)) == len(everything)
    nearest = (source.test @ train.T).max(axis=1)
    rng = np.random.Generator(np.random.PCG64(0))
    strangers = rng.standard_normal((1000, 64)).astype(np.float32)
    strangers /= np.linalg.norm(strangers, axis=1, keepdims=True)
    assert np.median(nearest) > 0.75 > (strangers @ train.T).max(axis=1).mean()


def test_one_bit_a_dimension_costs_neighbours_but_not_all():
    source = opened("synthetic-10000x64")
    train, test = rows(source), source.test[:200]
    projection = np.random.Generator(np.random.PCG64(0)).standard_normal((64, 256))
    codes, query_codes = (np.where(vectors @ projection > 0, 1, -1).astype(np.float32) for vectors in (train, test))
    true = np.argsort(-(test @ train.T), axis=1)[:, :10]
    found = np.argsort(-(query_codes @ codes.T), axis=1, kind="stable")[:, :10]
    recall = np.mean([len(set(t) & set(f)) / 10 for t, f in zip(true.tolist(), found.tolist(), strict=True)])
    assert 0.3 < recall < 0.8


def test_clusters_have_unequal_weights_and_low_inner_dimension():
    mixture = synthetic.Mixture.draw(128, seed=0)
    assert mixture.weights.sum() == pytest.approx(1)
    assert mixture.weights[0] / mixture.weights[-1] == pytest.approx(16)
    assert np.linalg.matrix_rank(mixture.bases[5]) == 16


@pytest.mark.parametrize("name", ["synthetic-0x8", "synthetic-10x0", "synthetic-010x8", "synthetic-1e3x8"])
def test_names_that_are_none(name):
    with pytest.raises(UserError, match="unknown dataset"):
        opened(name)


def test_too_few_dimensions_and_splits_are_refused():
    with pytest.raises(UserError, match="at least 8 dimensions"):
        opened("synthetic-10x2")
    with pytest.raises(UserError, match="no splits"):
        find_source("synthetic-10x8", SourceOptions(split="dev")).load()
