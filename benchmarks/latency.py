"""Single-query latency as `binbench run --mode single` reports it, beside a bare loop that encodes and asks faiss.

Usage: python benchmarks/latency.py EMBEDDING_SET.hdf5 [--bits 256] [--rounds 15]

Both run in this process, on one thread, in turns; the ratio of each pair is what counts on a noisy machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from pathlib import Path

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))


def main() -> None:
    """Print the median of both, and of their ratio."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("set", type=Path)
    parser.add_argument("--bits", type=int, default=256)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()

    import faiss
    import numpy as np

    from binbench.harness.timing import Noop, measure
    from binbench.plugins.registry import ALGORITHMS
    from binbench.sets.embeddings import EmbeddingSet

    embeddings = EmbeddingSet.open(arguments.set)
    train, queries, bits = embeddings.train, embeddings.test, arguments.bits
    algorithm = ALGORITHMS.get(f"binary{bits}").create(dimension=train.shape[1], seed=0)
    algorithm.fit(train)

    projection = np.random.Generator(np.random.PCG64(0)).standard_normal((train.shape[1], bits))

    def encode(rows: np.ndarray) -> np.ndarray:
        return np.packbits(rows.astype(np.float64) @ projection > 0, axis=1, bitorder="little")

    index = faiss.IndexBinaryFlat(bits)
    index.add(encode(train))

    def bare() -> float:
        start = time.perf_counter_ns()
        for i in range(len(queries)):
            index.search(encode(queries[i : i + 1]), arguments.count)
        return (time.perf_counter_ns() - start) / 1e9 / len(queries)

    def harness() -> float:
        timing, _, _ = measure(algorithm, queries, arguments.count, len(train), "single", 1)
        return float(timing.seconds[0]) / len(queries)

    pairs = [(harness(), bare()) for _ in range(arguments.rounds)]
    for name, values in zip(("harness", "bare loop"), zip(*pairs, strict=True), strict=True):
        print(f"{name:10} {statistics.median(values) * 1e6:8.1f} µs per query (median of {arguments.rounds})")
    ratios = [ours / theirs for ours, theirs in pairs]
    print(f"ratio      {statistics.median(ratios):8.3f} (median of pairs; {min(ratios):.3f} to {max(ratios):.3f})")
    print(f"no-op      {Noop.overhead(queries, arguments.count, 'single') * 1e6:8.2f} µs per query")


if __name__ == "__main__":
    main()
