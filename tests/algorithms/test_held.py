"""Bytes per vector that methods state beforehand are those of the fitted index."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import unit

from binbench.errors import Unsupported
from binbench.plugins.registry import ALGORITHMS

TRAIN = unit(np.random.Generator(np.random.PCG64(5)).standard_normal((320, 64)))
STATED = [family.name for family in ALGORITHMS.families() if family.facts.get("held")]


@pytest.mark.parametrize("name", STATED)
def test_stated_bytes_are_held(name: str) -> None:
    family = next(family for family in ALGORITHMS.families() if family.name == name)
    instance = next(family.instances())
    try:
        algorithm = instance.create(dimension=64, seed=0, metric="angular")
        # What is learned takes no room of its own: one turn of those that alternate is enough.
        if hasattr(algorithm, "turns"):
            algorithm.turns = 1
        algorithm.fit(TRAIN)
    except Unsupported as reason:
        pytest.skip(str(reason))
    # How many nodes of a graph are in higher layers is drawn.
    assert family.facts["held"](64, **instance.parameters) == pytest.approx(algorithm.footprint().per_vector, rel=0.03)


def test_most_methods_state_theirs() -> None:
    assert {"float", "pq", "binary", "hnsw", "rabitq", "binary-rescore-int8"} <= set(STATED)
