"""What workers of a cluster do for embedding sets: shards of texts, and blocks of documents against all queries."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.cluster import Cluster
from binbench.errors import UserError
from binbench.plugins.registry import FILES, load_file
from binbench.sets.encoders import Encoder, EncoderOptions, Kind
from binbench.sets.neighbors import Nearest, block_rows

logger = logging.getLogger("binbench")

#: The vectors of a shard and the seconds that they took.
Encoded = tuple[NDArray[np.float32], float]


def encoded_on(
    cluster: Cluster, encoder: Encoder, shards: Iterator[Sequence[str]], kind: Kind
) -> Iterator[tuple[int, Encoded]]:
    """The vectors of `shards`, in the order in which they are done, each with its number.

    Raises:
        UserError: a worker has no such encoder, or other weights.
    """
    options, seed = encoder.asked
    # A clean copy: what is looked up here has to be looked up there.
    told = {key: encoder.provenance.get(key) for key in ("weights_sha256", "precision")}
    order = replace(options), seed, told, tuple(FILES), kind
    return cluster.each(encode, ((*order, list(texts)) for texts in shards))


def encode(
    options: EncoderOptions,
    seed: int,
    told: dict[str, Any],
    plugins: Sequence[Path],
    kind: Kind,
    texts: Sequence[str],
) -> Encoded:
    """Encode one shard with the weights and in the precision that were `told`; the model stays loaded for the next."""
    from binbench.sets.shards import encode_batches

    for plugin in plugins:
        load_file(plugin)
    encoder = _opened(options, seed)
    if encoder.provenance.get("weights_sha256") != told["weights_sha256"]:
        raise UserError(f"a worker's weights of {encoder.name} are others than those here; give both the same files")
    if told["precision"]:
        encoder.provenance["precision"] = told["precision"]
    began = time.perf_counter()
    return encode_batches(encoder, texts, kind, lambda count: None), time.perf_counter() - began


@lru_cache(maxsize=1)
def _opened(options: EncoderOptions, seed: int) -> Encoder:
    return options.open(seed)


def nearest_on(
    cluster: Cluster,
    path: Path,
    offset: int,
    train: Any,
    queries: NDArray[np.float32],
    k: int,
    distance: str,
    progress: Callable[[int], None],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """As :func:`binbench.sets.neighbors.nearest`, bit for bit, of the rows that `path` holds from byte `offset` on.

    Args:
        train: the same rows here, (N, d) float32: blocks that a worker cannot read, or sees other bytes of, are
            searched here.
    """
    step = block_rows(train.shape[1])
    starts = range(0, len(train), step)
    found, url, asked = Nearest(queries, k, distance), cluster.place(path), cluster.client.scatter(queries)

    def tasks() -> Iterator[tuple[Any, ...]]:
        for start in starts:
            digest = hashlib.sha256(train[start : start + step].tobytes()).hexdigest()
            yield url, offset, train.shape, start, step, digest, asked, k, distance

    everyone, refusals = np.arange(len(queries)), set()
    for number, answer in cluster.each(search, tasks()):
        start = starts[number]
        if isinstance(answer, str):
            refusals.add(answer)
            found.add(start, train[start : start + step])
        else:
            found.merge(everyone, *answer)
        progress(min(step, len(train) - start))
    for refusal in sorted(refusals):
        logger.warning("exact neighbours were searched here: %s", refusal)
    return found.rows.astype(np.int32), found.distances.astype(np.float32)


def search(
    url: str,
    offset: int,
    shape: tuple[int, int],
    start: int,
    step: int,
    digest: str,
    queries: NDArray[np.float32],
    k: int,
    distance: str,
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | str:
    """The best of the rows from `start` on for all queries; why not, where these are not to be had."""
    import fsspec

    width = 4 * shape[1]
    try:
        with fsspec.open(url, "rb") as file:
            file.seek(offset + start * width)
            content = file.read(min(step, shape[0] - start) * width)
    except Exception as error:  # each file system has errors of its own
        return f"{worker_name()} cannot read {url}: {error}"
    if hashlib.sha256(content).hexdigest() != digest:
        return f"{worker_name()} sees other bytes in {url}"
    found = Nearest(queries, k, distance)
    found.add(start, np.frombuffer(content, np.float32).reshape(-1, shape[1]))
    return found.rows, found.distances


def worker_name() -> str:
    """This worker, as messages call it."""
    import platform

    return f"a worker on {platform.node()}"
