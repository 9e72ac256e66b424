"""What encoding and searching a large collection on a cluster takes: ``python -m benchmarks.campaign``.

Arithmetic, from rates that are measured here and now: storing shards, what a shard sends over the network, writing a
set, exact neighbors. What needs a GPU is the one figure that is assumed; give ``--documents-per-second``, which
``python -m benchmarks.encoding`` prints, for your own.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from binbench.cluster import connected, current
from binbench.plugins.registry import ALGORITHMS
from binbench.provenance import machine
from binbench.report.render import made, show
from binbench.sets.embeddings import write_set
from binbench.sets.encoders import Encoder, Kind
from binbench.sets.neighbors import BLOCK_BYTES, nearest
from binbench.sets.shards import SHARD_TEXTS, ShardedEncoding

#: Shards that are stored and sent, rows that are written and searched, and queries that ask.
SHARDS, ROWS, QUERIES = 24, 32768, 1000
NEIGHBORS = 100


class Ready(Encoder):
    """Vectors that cost nothing: what is timed is all that surrounds them."""

    name, provenance = "ready", {}

    def __init__(self, dimension: int) -> None:
        self.rows = rows_of(dimension, SHARD_TEXTS)

    def encode(self, texts: Sequence[str], kind: Kind) -> np.ndarray:
        return self.rows[: len(texts)]


def rows_of(dimension: int, count: int) -> np.ndarray:
    """(count, dimension) float32 unit rows."""
    rows = np.random.default_rng(0).standard_normal((count, dimension), np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def seconds(step: Callable[[], Any]) -> float:
    """Of the wall clock."""
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def storing(dimension: int, folder: Path) -> float:
    """Documents per second into shards and out of them."""
    texts = [str(number) for number in range(SHARDS * SHARD_TEXTS)]
    shards = ShardedEncoding(folder / "shards", Ready(dimension), texts, "document")
    return len(texts) / seconds(lambda: (shards.run(lambda done: None), list(shards.blocks())))


def writing(dimension: int, folder: Path) -> float:
    """Documents per second into a set, but for its exact neighbors."""
    rows = rows_of(dimension, ROWS)
    attributes = {"distance": "angular"}
    took = seconds(lambda: write_set(folder / "set.hdf5", rows.shape, [rows], -rows[:1], attributes))
    return ROWS / took


def searching(dimension: int) -> float:
    """Products of coordinates per second of one thread, exact ranking included."""
    import faiss

    faiss.omp_set_num_threads(1)
    rows = rows_of(dimension, ROWS)
    queries = rows_of(dimension, QUERIES)[::-1].copy()
    began = time.process_time()
    nearest([rows], queries, NEIGHBORS)
    return ROWS * QUERIES * dimension / (time.process_time() - began)


def sent(dimension: int) -> float:
    """Bytes over the network for each byte of the vectors that a worker sends back."""
    with connected("local:1"):
        cluster = current()
        assert cluster is not None
        dict(cluster.each(rows_of, [(dimension, SHARD_TEXTS)]))
        before = _loopback()
        dict(cluster.each(rows_of, [(dimension, SHARD_TEXTS)] * SHARDS))
        return (_loopback() - before) / (SHARDS * SHARD_TEXTS * 4 * dimension)


def _loopback() -> int:
    line = next(one for one in Path("/proc/net/dev").read_text().splitlines() if one.strip().startswith("lo:"))
    return int(line.split()[1])


@click.command()
@click.option("--documents", default=8_841_823, show_default=True)
@click.option("--queries", default=6_980, show_default=True)
@click.option("--dimension", default=1024, show_default=True)
@click.option("--layers", default=24, show_default=True, help="Of the encoder.")
@click.option("--text-bytes", default=340, show_default=True, help="Of a document, in the mean.")
@click.option("--tokens", default=80, show_default=True, help="Of a document, in the mean.")
@click.option("--tflops", default=312.0, show_default=True, help="Peak of a GPU at half precision.")
@click.option("--utilization", default=0.3, show_default=True, help="Share of the peak that is reached.")
@click.option("--documents-per-second", type=float, help="Of one GPU, in place of the five above.")
@click.option("--workers", default=8, show_default=True, help="One GPU each.")
@click.option("--cores", default=8, show_default=True, help="Of each worker.")
def main(
    documents: int,
    queries: int,
    dimension: int,
    layers: int,
    text_bytes: int,
    tokens: int,
    tflops: float,
    utilization: float,
    documents_per_second: float | None,
    workers: int,
    cores: int,
) -> None:
    """Print hours, and bytes on disk, over the network and on each worker."""
    with tempfile.TemporaryDirectory() as place:
        stored, written = storing(dimension, Path(place)), writing(dimension, Path(place))
    products, overhead = searching(dimension), sent(dimension)
    # A layer has 12 d² weights, and each of them multiplies and adds once a token.
    rate = documents_per_second or tflops * 1e12 * utilization / (2 * 12 * dimension**2 * layers * tokens)
    vectors, blocks = 4 * dimension * documents, -(-4 * dimension * documents // BLOCK_BYTES)
    answers = 2 * 8 * NEIGHBORS * queries
    lines = [
        ["encoding: documents ÷ (workers × rate)", f"{documents / workers / rate / 3600:.2f} h"],
        ["shards, on the machine of the command", f"{documents / stored / 3600:.2f} h, beside the encoding"],
        ["writing the set, there too", f"{documents / written / 3600:.2f} h"],
        [
            "exact neighbors: documents × queries × d ÷ (workers × cores × rate)",
            f"{documents * queries * dimension / products / workers / cores / 3600:.2f} h",
        ],
        ["disk: the set", f"{vectors / 1e9:.1f} GB"],
        ["disk: shards, until the set is written", f"{vectors / 1e9:.1f} GB"],
        ["network: texts to the workers", f"{documents * text_bytes / 1e9:.1f} GB"],
        ["network: vectors back, × the overhead", f"{overhead * vectors / 1e9:.1f} GB"],
        ["network: blocks read for exact neighbors", f"{vectors / 1e9:.1f} GB"],
        ["network: the best of each block", f"{overhead * blocks * answers / 1e9:.1f} GB"],
        # A text and an id are a pointer and a header of 49 bytes each, an id has some 8 letters, a hash 16 bytes.
        ["the command: texts, ids and hashes in memory", f"{documents * (text_bytes + 2 * 57 + 8 + 16) / 1e9:.1f} GB"],
        ["worker: weights of the layers at half precision", f"{2 * 12 * dimension**2 * layers / 1e9:.2f} GB"],
        [
            "worker: a block, the queries, their best",
            f"{(BLOCK_BYTES + 4 * dimension * queries + answers) / 1e9:.2f} GB",
        ],
    ]
    for name in ("float", "int8", "binary256"):
        instance = ALGORITHMS.get(name)
        held = instance.family.facts["held"](dimension=dimension, **instance.parameters)
        lines.append([f"worker: a job's index, {name}, + 0.4 GB", f"{documents * held / 1e9:.2f} GB"])
    assumed = "given" if documents_per_second else f"assumed: {utilization:.0%} of {tflops:g} TFLOPS at {tokens} tokens"
    notes = [
        f"rate of a GPU: {rate:,.0f} documents/s, {assumed}",
        f"measured on {machine()['cpu']}, a thread: shards {stored:,.0f} documents/s, set {written:,.0f} documents/s",
        f"and exact neighbors {products / 1e9:.1f} · 10⁹ products/s; network {overhead:.2f} bytes a byte of vectors",
    ]
    show(
        [
            made(
                f"{documents:,} documents × {dimension}, {queries:,} queries, {workers} workers",
                ["what", "takes"],
                lines,
                notes,
            )
        ]
    )


if __name__ == "__main__":
    main()
