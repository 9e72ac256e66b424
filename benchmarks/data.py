"""What all suites share: made-up vectors, and the tested commit's methods on them.

The vectors are drawn here and not by a dataset plugin, so that every commit is measured on the same ones.
"""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import faiss
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from binbench import Algorithm

DIMENSION = 128
CLUSTERS = 64
INNER_DIMENSION = 12  # of the subspace that a cluster's vectors spread in
GRID = 2.0**-20

Benchmark = TypeVar("Benchmark", bound=Callable[..., Any])
Vectors = NDArray[np.float32]

#: For what computes on one thread: processor seconds, which a busy machine lengthens far less than the wall clock's.
processor_seconds = time.process_time

# As the harness does: k-means and flat batch search take the BLAS route from 20 queries on.
faiss.cvar.distance_compute_blas_threshold = 20


def version(text: str, **attributes: str) -> Callable[[Benchmark], Benchmark]:
    """Set a benchmark's version, and other attributes that asv knows, such as `unit`.

    asv compares results of equal versions only. It would take the hash of the code; set by hand, the version changes
    when something else is measured, and cosmetic edits keep the history.
    """

    def decorate(benchmark: Benchmark) -> Benchmark:
        for name, value in {"version": text, **attributes}.items():
            setattr(benchmark, name, value)
        return benchmark

    return decorate


def vectors(count: int, stream: int, seed: int = 0) -> Vectors:
    """(count, 128) float32 unit rows in clusters of low intrinsic dimension; other streams give other rows."""
    shared, own = (np.random.Generator(np.random.PCG64([seed, number])) for number in (0, stream + 1))
    centres = shared.standard_normal((CLUSTERS, DIMENSION))
    bases = shared.standard_normal((CLUSTERS, INNER_DIMENSION, DIMENSION)) / np.sqrt(INNER_DIMENSION)
    cluster = own.integers(CLUSTERS, size=count)
    inner = own.standard_normal((count, INNER_DIMENSION))
    rows = 0.7 * centres[cluster] + 0.3 * own.standard_normal((count, DIMENSION))
    for axis in range(INNER_DIMENSION):
        rows += inner[:, axis, None] * bases[cluster, axis]
    rows /= np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    # On a grid much coarser than float64's, so that no machine's way of summing shows in the vectors.
    return (np.round(rows / GRID) * GRID).astype(np.float32)


def documents(count: int) -> Vectors:
    """(count, 128) base vectors."""
    return vectors(count, 0)


def queries(count: int) -> Vectors:
    """(count, 128) query vectors."""
    return vectors(count, 1)


#: Where older commits keep what has moved since, so that asv's history goes on.
BEFORE = {
    "binbench.plugins.registry": "binbench.registry",
    "binbench.sets.embeddings": "binbench.embeddings",
    "binbench.sets.neighbors": "binbench.neighbors",
    "binbench.sets.prepare": "binbench.prepare",
    "binbench.harness.timing": "binbench.harness.measure",
    "binbench.measures.ranking": "binbench.metrics.neighbours",
    "binbench.measures.relevance": "binbench.metrics.relevance",
}


def wanted(module: str, name: str) -> Any:
    """The member `name` of `module`, or of what was its module before.

    Raises:
        NotImplementedError: the commit that asv has installed is older than it; the benchmark then shows n/a.
            In one's own environment it has to be there.
    """
    found = None
    for place in (module, BEFORE.get(module, module)):
        try:
            found = getattr(importlib.import_module(place), name)
            break
        except (ImportError, AttributeError) as error:
            missing = error
    if found is None and "ASV_ENV_DIR" in os.environ:
        raise NotImplementedError(f"this commit has no {module}.{name}") from missing
    if found is None:
        raise missing
    return found


def create(method: str) -> Algorithm:
    """An unfitted instance of `method` for these vectors, seeded.

    Raises:
        NotImplementedError: as for :func:`wanted`.
    """
    algorithms, unknown = wanted("binbench.plugins.registry", "ALGORITHMS"), wanted("binbench", "UserError")
    try:
        instance = algorithms.get(method)
    except unknown as error:
        if "ASV_ENV_DIR" in os.environ:
            raise NotImplementedError(f"this commit has no {method}") from error
        raise
    return instance.create(dimension=DIMENSION, seed=0)
