"""What binarization makes of the documents of a set: balance, collisions, distances, reproducibility."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.codes import hamming
from binbench.codes.binarize import encode
from binbench.codes.packing import Words, unpack
from binbench.codes.projections import projection
from binbench.sets.embeddings import EmbeddingSet
from binbench.study.recode import digest, digests_elsewhere
from binbench.study.thresholds import SKEWED

SELF_SAMPLE = 1000
DISTANCE_PAIRS = 100_000
QUERIES = 200
HISTOGRAM_BINS = 64

_BLOCK = 65536


@dataclass(frozen=True, kw_only=True)
class Codes:
    """The codes of a set's documents.

    Attributes:
        sha256, reproduced: of the packed codes, and whether a second process computes the same ones.
        self_distance: the largest distance of a row to itself encoded anew, in a sample.
        prevalence: the share of rows in which each bit is set.
        skewed: the share of bits that are.
        colliding: the share of rows whose code is also that of a different vector.
        same_vectors: the share of rows whose vector is also another row's.
        distance_mean, distance_sd: of the Hamming distances of random pairs; None for a single row.
        histogram: of these distances.
        discrimination: P(a query's true top-10 document is nearer than a random one), ties counting half.
    """

    bits: int
    sha256: str
    reproduced: bool
    self_distance: int
    prevalence: tuple[float, ...]
    skewed: float
    colliding: float
    same_vectors: float
    distance_mean: float | None
    distance_sd: float | None
    histogram: tuple[float, ...]
    discrimination: float


def sweep(embeddings: EmbeddingSet, bits: Sequence[int], seed: int) -> list[Codes]:
    """The codes of every number of `bits`, and whether a second process computes the same ones."""
    elsewhere = digests_elsewhere(embeddings.path, bits, seed)
    return [_codes(embeddings, count, seed, elsewhere.get(str(count), "")) for count in bits]


def _codes(embeddings: EmbeddingSet, bits: int, seed: int, elsewhere: str) -> Codes:
    train, rng = embeddings.train, Generator(PCG64(seed))
    project = projection("gaussian", train.shape[1], bits, seed)
    codes = encode(train, project)
    again = np.sort(rng.choice(len(train), min(SELF_SAMPLE, len(train)), replace=False))
    shares = prevalence(codes, bits)
    distances = pair_distances(codes, rng)
    return Codes(
        bits=bits,
        sha256=digest(codes),
        reproduced=digest(codes) == elsewhere,
        self_distance=int(np.bitwise_count(codes[again] ^ encode(train[again], project)).sum(axis=1).max()),
        prevalence=tuple(shares.tolist()),
        skewed=float(((shares > SKEWED) | (shares < 1 - SKEWED)).mean()),
        colliding=colliding(codes, train),
        same_vectors=float(duplicated(np.ascontiguousarray(train)).mean()),
        distance_mean=float(distances.mean()) if len(distances) else None,
        distance_sd=float(distances.std()) if len(distances) else None,
        histogram=tuple(histogram(distances, bits)),
        discrimination=_discrimination(embeddings, codes, project, rng),
    )


def prevalence(codes: Words, bits: int) -> NDArray[np.float64]:
    """(bits,) the share of rows in which each bit is set."""
    total = np.zeros(bits)
    for start in range(0, len(codes), _BLOCK):
        total += unpack(codes[start : start + _BLOCK], bits).sum(axis=0, dtype=np.int64)
    return total / len(codes)


def duplicated(rows: NDArray[Any]) -> NDArray[np.bool_]:
    """(N,) whether another row of the contiguous 2-D `rows` is equal byte for byte."""
    _, inverse, counts = np.unique(_as_keys(rows), return_inverse=True, return_counts=True)
    return counts[inverse] > 1


def colliding(codes: Words, vectors: NDArray[np.float32]) -> float:
    """The share of rows whose code is also that of a different vector."""
    order = np.argsort(_as_keys(codes), kind="stable")
    suspects = order[duplicated(codes)[order]]
    if not len(suspects):
        return 0.0
    _, group = np.unique(_as_keys(codes[suspects]), return_inverse=True)
    _, vector = np.unique(_as_keys(np.ascontiguousarray(vectors[suspects])), return_inverse=True)
    pairs = np.unique(np.stack([group, vector], axis=1), axis=0)
    different = np.bincount(pairs[:, 0]) > 1
    return float(different[group].sum() / len(codes))


def _as_keys(rows: NDArray[Any]) -> NDArray[Any]:
    return rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()


def pair_distances(codes: Words, rng: Generator, pairs: int = DISTANCE_PAIRS) -> NDArray[np.int64]:
    """Hamming distances of random pairs of different rows."""
    if len(codes) < 2:
        return np.empty(0, np.int64)
    left = rng.integers(len(codes), size=pairs)
    right = (left + rng.integers(1, len(codes), size=pairs)) % len(codes)
    return np.bitwise_count(codes[left] ^ codes[right]).sum(axis=1, dtype=np.int64)


def histogram(distances: NDArray[np.int64], bits: int) -> list[float]:
    """The share of `distances` in each of at most 64 equal classes of 0 … `bits`."""
    classes = _classes(bits)
    counts = np.bincount(classes[distances], minlength=classes[-1] + 1)
    return (counts / max(1, counts.sum())).tolist()


def binomial(bits: int) -> list[float]:
    """The same classes for fair, independent bits."""
    from scipy.stats import binom

    return np.bincount(_classes(bits), binom.pmf(np.arange(bits + 1), bits, 0.5)).tolist()


def _classes(bits: int) -> NDArray[np.int64]:
    return np.minimum(np.arange(bits + 1) * HISTOGRAM_BINS // bits, HISTOGRAM_BINS - 1)


def _discrimination(embeddings: EmbeddingSet, codes: Words, project: Any, rng: Generator) -> float:
    """P(a query's true top-10 document is nearer than a random one by Hamming distance), ties counting half."""
    test, bits = embeddings.test, project.bits
    chosen = np.sort(rng.choice(len(test), min(QUERIES, len(test)), replace=False))
    asked = encode(test[chosen], project)
    true = codes[embeddings.neighbors[chosen, :10]]
    others = codes[rng.integers(len(codes), size=min(1000, len(codes)))]
    near = np.bitwise_count(true ^ asked[:, None]).sum(axis=2, dtype=np.int64)
    far = np.sort(hamming.distances(asked, others, bits), axis=1)
    wins = [
        (len(row) - np.searchsorted(row, own, "right") + (len(row) - np.searchsorted(row, own, "left"))) / 2 / len(row)
        for row, own in zip(far, near, strict=True)
    ]
    return float(np.mean(wins))
