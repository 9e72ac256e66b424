"""The binary engine beside the raw library calls underneath it.

    python benchmarks/codes.py [--rows 500000] [--dimension 384] [--bits 256] [--queries 1000] [--k 100] [--repeats 7]

Encoding stands beside the float64 matrix product with ``numpy.packbits``, at once and in the engine's own blocks;
searching beside ``faiss.IndexBinaryFlat`` and ``faiss.knn_hamming``, on codes that are packed already. The runs of a
repeat follow each other in turn, so that a busy machine slows both sides; the ratio is the median of the repeats' own.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import faiss
import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.codes import BinaryEmbeddingEngine, hamming
from binbench.codes.binarize import BLOCK, encode

Run = Callable[[], object]


def seconds(run: Run) -> float:
    """Wall-clock seconds of one call."""
    start = time.perf_counter_ns()
    run()
    return (time.perf_counter_ns() - start) / 1e9


def compare(ours: tuple[str, Run], others: dict[str, Run], repeats: int) -> None:
    """Print the medians of paired runs, and the median ratio of ours to each of the others."""
    name, run = ours
    times: dict[str, list[float]] = {label: [] for label in (name, *others)}
    for repeat in range(-1, repeats):
        turn = [(name, run), *others.items()]
        for label, call in turn if repeat % 2 else reversed(turn):
            elapsed = seconds(call)
            if repeat >= 0:
                times[label].append(elapsed)
    print(f"{name}: median {statistics.median(times[name]):.3f} s")
    for label in others:
        ratios = [mine / theirs for mine, theirs in zip(times[name], times[label], strict=True)]
        low, high = min(ratios), max(ratios)
        print(
            f"  beside {label}: median {statistics.median(times[label]):.3f} s, "
            f"ratio {statistics.median(ratios):.3f} ({low:.3f} to {high:.3f})"
        )


def bare_encode(rows: NDArray[np.float32], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What is compared with: the float64 product and `packbits`."""
    return np.packbits(rows.astype(np.float64) @ matrix > 0, axis=1, bitorder="little")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for option, default in (("rows", 500_000), ("dimension", 384), ("bits", 256), ("queries", 1000), ("k", 100)):
        parser.add_argument(f"--{option}", type=int, default=default)
    parser.add_argument("--repeats", type=int, default=7)
    a = parser.parse_args()

    threads = faiss.omp_get_max_threads()
    print(f"{a.rows} x {a.dimension} to {a.bits} bits, {a.queries} queries, k {a.k}, {threads} threads")
    rng = Generator(PCG64(0))
    rows = rng.standard_normal((a.rows, a.dimension), dtype=np.float32)
    queries = rng.standard_normal((a.queries, a.dimension), dtype=np.float32)
    engine = BinaryEmbeddingEngine(a.bits).fit(rows[:1])
    projection, matrix = engine.projection_, engine.projection_.matrix
    assert matrix is not None
    compare(
        ("encode", lambda: encode(rows, projection)),
        {
            "float64 product and packbits at once": lambda: bare_encode(rows, matrix),
            f"the same in blocks of {BLOCK} rows": lambda: [
                bare_encode(rows[start : start + BLOCK], matrix) for start in range(0, a.rows, BLOCK)
            ],
        },
        a.repeats,
    )

    engine.fit(rows)
    codes, asked = engine.codes_.packed, engine.encode(queries).packed
    as_bytes, asked_bytes = codes.view(np.uint8), asked.view(np.uint8)
    index = faiss.IndexBinaryFlat(as_bytes.shape[1] * 8)
    index.add(as_bytes)
    compare(
        ("search", lambda: hamming.knn(asked, codes, a.bits, a.k)),
        {
            "faiss.IndexBinaryFlat": lambda: index.search(asked_bytes, a.k),
            "faiss.knn_hamming": lambda: faiss.knn_hamming(asked_bytes, as_bytes, a.k),
        },
        a.repeats,
    )


if __name__ == "__main__":
    main()
