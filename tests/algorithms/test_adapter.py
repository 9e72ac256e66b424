"""Learned projections: better than what they begin from, from documents alone, and the same every time."""

from __future__ import annotations

import numpy as np
import pytest
from binbench.algorithms.adapter import Linear, Shallow
from conftest import unit
from threadpoolctl import threadpool_limits

from binbench import Unsupported
from binbench.plugins.registry import ALGORITHMS


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """1,500 documents and 200 queries in 16 of 48 dimensions off the centre, and the ten true neighbors."""
    rng = np.random.Generator(np.random.PCG64(5))
    basis = rng.standard_normal((16, 48))

    def draw(n: int) -> np.ndarray:
        return unit(rng.standard_normal((n, 16)) @ basis + 0.5 * rng.standard_normal((n, 48)) + 2)

    train, test = draw(1500).astype(np.float32), draw(200).astype(np.float32)
    return train, test, np.argsort(-(test @ train.T), axis=1)[:, :10]


def recall(name: str, world: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    train, test, true = world
    method = ALGORITHMS.get(name).create(dimension=48, seed=0)
    method.fit(train)
    found, _ = method.query(test, 10)
    return float(np.mean([len({*a} & {*b}) / 10 for a, b in zip(found.tolist(), true.tolist(), strict=True)]))


@pytest.mark.parametrize(
    ("adapter", "start", "gain"),
    [("adapter32", "ortho32", 0.02), ("adapter-itq32", "itq32", 0), ("adapter-mlp32", "ortho32", 0.05)],
)
def test_learning_beats_what_it_begins_from(adapter, start, gain, world):
    assert recall(adapter, world) > recall(start, world) + gain


@pytest.mark.parametrize("hidden", [None, 3])
def test_slopes_are_those_of_finite_differences(hidden):
    """Of sum(weights · values), by every number that is learned, in float64."""
    rng = np.random.Generator(np.random.PCG64(1))
    rows, weights = rng.standard_normal((6, 5)), rng.standard_normal((6, 4))
    shapes = [(5, 4), (4,)] + ([(5, hidden), (hidden, 4)] if hidden else [])
    network = (Shallow if hidden else Linear)([rng.standard_normal(shape) for shape in shapes])
    for learned, slopes in zip(network.learned, network.slopes(rows, weights), strict=True):
        for place in np.ndindex(learned.shape):
            found = []
            for step in (1e-6, -2e-6):
                learned[place] += step
                found.append((weights * network(rows)).sum())
            learned[place] += 1e-6
            assert slopes[place] == pytest.approx((found[0] - found[1]) / 2e-6, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("name", ["adapter-itq32", "adapter-mlp32"])
def test_what_is_stored_maps_rows_as_what_was_learned_maps_centred_ones(name, world, monkeypatch):
    """The finished map of raw rows in float64 against the network of centred rows in float32, and its size."""
    networks = []
    method = ALGORITHMS.get(name).create(dimension=48, seed=0)
    plugin = type(method)
    begun = plugin.network
    monkeypatch.setattr(plugin, "network", lambda self, *rest: networks.append(begun(self, *rest)) or networks[0])
    monkeypatch.setattr(plugin, "most_steps", 20)
    method.fit(world[0])
    centred = (world[0] - world[0].mean(axis=0, dtype=np.float64)).astype(np.float32)
    assert np.allclose(method.projection(world[0]) - method.thresholds_, networks[0](centred), atol=1e-4)
    hidden = {"adapter-itq32": 0, "adapter-mlp32": 48 * 32 + 32 + 32 * 32}[name]
    assert method.footprint().shared == 8 * (48 * 32 + 32 + hidden)


def test_codes_are_the_same_on_any_number_of_threads(world):
    codes = []
    for threads in (1, 2):
        method = ALGORITHMS.get("adapter32").create(dimension=48, seed=3)
        with threadpool_limits(threads):
            method.fit(world[0][:300])
        codes.append(method.codes_)
    assert np.array_equal(*codes)


def test_too_few_documents_are_unsupported():
    with pytest.raises(Unsupported, match="20 documents are too few for 16 learned bits"):
        ALGORITHMS.get("adapter16").create(dimension=48, seed=0).fit(np.eye(48, dtype=np.float32)[:20])
