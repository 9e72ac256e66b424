"""The engine against frozen codes, bit for bit.

golden.json holds what `worked_out` and `large_codes` below gave once, without the engine: sums of Python's exact `fsum`
and of extended precision, codes as Python integers. Whoever changes a value there changes every code ever stored.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from binbench.codes import BinaryEmbeddingEngine, hamming
from binbench.codes.binarize import BLOCK

FROZEN = json.loads((Path(__file__).parent / "golden.json").read_text("utf-8"))
CASES = {"{projection}-{bits}-{threshold}-{seed}".format(**case["engine"]): case for case in FROZEN["cases"]}
FROZEN_SHA256 = "68274897328a7f1880d13292c3219a7eee9544cc6639d3d5803cffaf8a8c6ddd"
DIMENSION, DOCUMENTS, QUERIES, K = 12, 25, 4, 6
LARGE = {"bits": 200, "projection": "gaussian", "threshold": "zero", "seed": 11}
LARGE_SHAPE = (BLOCK + 1000, 48)


def synthetic(rows: int, dimension: int, seed: int) -> np.ndarray:
    """Unit rows float32, made by a linear congruential generator (Lehmer's, modulus 2**31 - 1) from integers alone."""
    state, integers = seed, []
    for _ in range(rows * dimension):
        state = state * 48271 % 2147483647
        integers.append(state % 2001 - 1000)
    raw = np.array(integers, dtype=np.float64).reshape(rows, dimension)
    return (raw / np.sqrt((raw * raw).sum(axis=1, keepdims=True))).astype(np.float32)


def documents() -> np.ndarray:
    """25 rows, of which rows 7 and 19 are equal, and row 23 is the opposite of row 3."""
    rows = synthetic(DOCUMENTS, DIMENSION, 1)
    rows[19], rows[23] = rows[7], -rows[3]
    return rows


def queries() -> np.ndarray:
    """Four rows, of which the last is document 7."""
    rows = synthetic(QUERIES, DIMENSION, 2)
    rows[3] = documents()[7]
    return rows


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def columns(projection: str, bits: int, seed: int) -> list[list[float]]:
    if projection == "identity":
        return [[float(i == j) for i in range(DIMENSION)] for j in range(bits)]
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal((DIMENSION, bits)).T.tolist()
    if projection == "gaussian":
        return drawn
    made: list[list[float]] = []
    for j, column in enumerate(drawn):
        # Gram-Schmidt, twice for the digits, against the earlier columns of the block.
        for earlier in 2 * made[j - j % DIMENSION : j]:
            share = dot(column, earlier)
            column = [x - share * y for x, y in zip(column, earlier, strict=True)]
        length = math.sqrt(dot(column, column))
        made.append([x / length for x in column])
    return made


def worked_out(engine: dict[str, Any]) -> dict[str, Any]:
    """One case of golden.json, by Python's own numbers."""
    bits = engine["bits"]
    matrix = columns(engine["projection"], bits, engine["seed"])
    projected = [
        [[dot(row, column) for column in matrix] for row in rows.tolist()] for rows in (documents(), queries())
    ]
    of_documents = list(zip(*projected[0], strict=True))
    learned = {
        "zero": [0.0] * bits,
        "mean": [math.fsum(values) / DOCUMENTS for values in of_documents],
        # 25 is odd: a document that is the median is not above it, up to rounding.
        "median": [median(values) + 1e-9 for values in of_documents],
    }[engine["threshold"]]
    codes, asked = ([sum(1 << j for j in range(bits) if row[j] > learned[j]) for row in rows] for rows in projected)
    distances = [[(q ^ c).bit_count() for c in codes] for q in asked]
    return {
        "engine": engine,
        "codes": ["".join(str(code >> j & 1) for j in range(bits)) for code in codes],
        "packed": [code.to_bytes(-(-bits // 64) * 8, "little").hex() for code in codes],
        "hamming": [[(a ^ b).bit_count() for b in codes] for a in codes],
        "top_rows": [sorted(range(DOCUMENTS), key=lambda j: (row[j], j))[:K] for row in distances],
        "top_distances": [sorted(row)[:K] for row in distances],
    }


def large_codes() -> str:
    """The sha256 of the codes of a set of several blocks, in extended precision."""
    matrix = np.random.Generator(np.random.PCG64(LARGE["seed"])).standard_normal((LARGE_SHAPE[1], LARGE["bits"]))
    exact = synthetic(*LARGE_SHAPE, 3).astype(np.longdouble) @ matrix.astype(np.longdouble)
    padded = np.pad(exact > 0, ((0, 0), (0, -LARGE["bits"] % 64)))
    return hashlib.sha256(np.packbits(padded, axis=1, bitorder="little").tobytes()).hexdigest()


def digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        with threadpool_limits(count):
            yield
    finally:
        faiss.omp_set_num_threads(before)


def strided(rows: np.ndarray) -> np.ndarray:
    wide = np.full((2 * len(rows), 3 * rows.shape[1]), np.nan, dtype=rows.dtype)
    wide[::2, ::3] = rows
    return wide[::2, ::3]


LAYOUTS = {
    "float32": lambda rows: rows,
    "float64": lambda rows: rows.astype(np.float64),
    "strided": strided,
    "columns first": np.asfortranarray,
    "reversed": lambda rows: rows[::-1].copy()[::-1],
    "big-endian": lambda rows: rows.astype(">f4"),
    "read-only": lambda rows: np.frombuffer(rows.tobytes(), rows.dtype).reshape(rows.shape),
}


def test_the_file_is_the_one_that_was_frozen() -> None:
    assert digest(FROZEN["cases"]) == FROZEN["sha256"] == FROZEN_SHA256


@pytest.mark.parametrize("name", CASES)
def test_the_file_is_right(name: str) -> None:
    assert worked_out(CASES[name]["engine"]) == CASES[name]


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", CASES)
def test_codes_distances_and_neighbours(name: str, layout: str, count: int) -> None:
    case, arrange = CASES[name], LAYOUTS[layout]
    with threads(count):
        engine = BinaryEmbeddingEngine(**case["engine"]).fit(arrange(documents()))
        rows, distances = engine.search(arrange(queries()), K)
        batch = engine.codes_
        assert ["".join(map(str, row)) for row in batch.bits01.tolist()] == case["codes"]
        assert [row.tobytes().hex() for row in batch.packed] == case["packed"]
        assert hamming.distances(batch.packed, batch.packed, batch.bits).tolist() == case["hamming"]
        assert (rows.tolist(), distances.tolist()) == (case["top_rows"], case["top_distances"])
        reference = hamming.knn_numpy(engine.encode(arrange(queries())).packed, batch.packed, batch.bits, K)
        assert (reference[0].tolist(), reference[1].tolist()) == (case["top_rows"], case["top_distances"])
    # A row alone has the code it has in the batch.
    single = [engine.encode(documents()[i : i + 1]).packed[0].tobytes().hex() for i in range(DOCUMENTS)]
    assert single == case["packed"]


@pytest.mark.parametrize("layout", ["float32", "float64", "columns first"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_set_of_several_blocks(large: np.ndarray, layout: str, count: int) -> None:
    with threads(count):
        packed = BinaryEmbeddingEngine(**LARGE).fit(LAYOUTS[layout](large)).codes_.packed
    assert hashlib.sha256(packed.tobytes()).hexdigest() == FROZEN["large_sha256"]


@pytest.fixture(scope="module")
def large() -> np.ndarray:
    return synthetic(*LARGE_SHAPE, 3)


def test_the_shared_golden_codes(beir_dir: Path) -> None:
    path = Path(os.environ["BINBENCH_BEIR_DIR"]).parent / "golden" / "codes.json"
    if not path.is_file():
        pytest.skip("no golden/codes.json beside the folder of real collections")
    shared = json.loads(path.read_text("utf-8"))
    rows = np.array(shared["rows"], dtype=np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    for case in shared["cases"]:
        engine = BinaryEmbeddingEngine(case["bits"], seed=case["seed"]).fit(rows)
        packed = engine.codes_.packed
        assert [[f"{word:016x}" for word in row] for row in packed.tolist()] == case["codes"]
        assert hamming.distances(packed, packed, case["bits"]).tolist() == case["hamming"]
        # faiss agrees: every distance at its row, through the total order.
        found_rows, found = engine.search(rows, len(rows))
        assert np.take_along_axis(np.array(case["hamming"]), found_rows, axis=1).tolist() == found.tolist()
