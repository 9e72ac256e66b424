"""No public function of the engine changes what it is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from binbench.codes import BinaryCodeBatch, BinaryEmbeddingEngine, FloatEmbeddingBatch, binarize, hamming, packing
from binbench.codes.projections import gaussian, orthonormal, projection

BITS, DIMENSION = 70, 12


def inputs(seed: int, n: int) -> dict[str, np.ndarray]:
    """One of each kind of array; `dirty` has bits set beyond the last."""
    rng = np.random.Generator(np.random.PCG64(seed))
    bits01 = rng.integers(0, 2, (n, BITS), dtype=np.uint8)
    return {
        "values": rng.standard_normal((n, DIMENSION)),
        "rows": rng.standard_normal((n, DIMENSION)).astype(np.float32),
        "thresholds": rng.standard_normal(DIMENSION),
        "bits01": bits01,
        "signs": 2 * bits01.astype(np.int8) - 1,
        "packed": packing.pack(bits01),
        "dirty": packing.pack(bits01) | np.array([0, 1 << 63], dtype=np.uint64),
        "queries": packing.pack(rng.integers(0, 2, (3, BITS), dtype=np.uint8)),
        "distances": rng.integers(0, BITS + 2, (n, 3), dtype=np.int32),
    }


def engine_calls(x: dict[str, np.ndarray], threshold: str) -> None:
    engine = BinaryEmbeddingEngine(BITS, threshold=threshold).fit(x["rows"])
    engine.encode(x["values"])
    engine.search(x["values"], 3)
    engine.tied(x["rows"], 3)


CALLS: dict[str, Callable[[dict[str, np.ndarray]], Any]] = {
    "bits01": lambda x: binarize.bits01(x["values"], x["thresholds"]),
    "signs": lambda x: binarize.signs(x["values"], x["thresholds"]),
    "scaled_sign": lambda x: binarize.scaled_sign(x["values"]),
    "encode": lambda x: binarize.encode(x["rows"], projection("gaussian", DIMENSION, BITS)),
    "encode identity": lambda x: binarize.encode(
        x["values"], projection("identity", DIMENSION, DIMENSION), x["thresholds"]
    ),
    "means": lambda x: binarize.means(x["values"], projection("identity", DIMENSION, DIMENSION)),
    "medians": lambda x: binarize.medians(x["values"], projection("identity", DIMENSION, DIMENSION)),
    "learn_thresholds": lambda x: binarize.learn_thresholds(
        "median", x["values"], projection("orthonormal", DIMENSION, BITS)
    ),
    "projection": lambda x: projection("identity", DIMENSION, DIMENSION)(x["values"]),
    "matrices": lambda x: (gaussian(DIMENSION, BITS, 0), orthonormal(DIMENSION, BITS, 0)),
    "pack": lambda x: packing.pack(x["bits01"]),
    "unpack": lambda x: packing.unpack(x["dirty"], BITS),
    "as_bytes": lambda x: packing.as_bytes(x["dirty"]),
    "cleared": lambda x: packing.cleared(x["dirty"], BITS),
    "has_padding_set": lambda x: packing.has_padding_set(x["dirty"], BITS),
    "check_words": lambda x: packing.check_words(x["dirty"], BITS),
    "distances": lambda x: hamming.distances(x["queries"], x["dirty"], BITS),
    "knn_numpy": lambda x: hamming.knn_numpy(x["queries"], x["dirty"], BITS, 3),
    "knn": lambda x: hamming.knn(x["queries"], x["dirty"], BITS, 3),
    "knn clean": lambda x: hamming.knn(x["queries"], x["packed"], BITS, 3),
    "tied": lambda x: hamming.tied(x["queries"], x["packed"], BITS, 3),
    "similarities": lambda x: hamming.similarities(x["distances"], BITS),
    "FloatEmbeddingBatch": lambda x: FloatEmbeddingBatch(x["rows"]),
    "BinaryCodeBatch": lambda x: BinaryCodeBatch(x["packed"], BITS).signs,
    "from_bits01": lambda x: BinaryCodeBatch.from_bits01(x["bits01"]),
    "from_signs": lambda x: BinaryCodeBatch.from_signs(x["signs"]),
    "engine": lambda x: engine_calls(x, "zero"),
    "engine mean": lambda x: engine_calls(x, "mean"),
    "engine median": lambda x: engine_calls(x, "median"),
}


@pytest.mark.parametrize("name", CALLS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**32), n=st.integers(0, 20))
def test_inputs_are_left_alone(name: str, seed: int, n: int) -> None:
    given_arrays = inputs(seed, n)
    before = {key: array.copy() for key, array in given_arrays.items()}
    CALLS[name](given_arrays)
    assert all(np.array_equal(given_arrays[key], before[key]) for key in before)
    for array in given_arrays.values():
        array.flags.writeable = False
    CALLS[name](given_arrays)


def test_every_public_function_is_called() -> None:
    public = {
        name
        for module in (packing, binarize, hamming)
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    }
    # These take no array, or are called by another of the list on its arrays.
    assert public - set(CALLS) == {"words_per_row", "pack_unchecked", "check_threshold", "knn_unchecked"}


def test_a_saved_engine_is_left_alone(tmp_path: Path) -> None:
    engine = BinaryEmbeddingEngine(BITS, threshold="median").fit(inputs(1, 9)["rows"])
    packed, learned = engine.codes_.packed.copy(), np.array(engine.thresholds_)
    engine.save(tmp_path / "e.npz")
    engine.search(inputs(2, 9)["rows"], 4)
    assert np.array_equal(engine.codes_.packed, packed)
    assert np.array_equal(engine.thresholds_, learned)
