"""Taking a method home: fitted on all documents, in files that faiss and numpy read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from binbench.errors import Unsupported, unknown
from binbench.files import sha256_of
from binbench.plugins.algorithm import Algorithm, FloatArray, Footprint
from binbench.plugins.faiss_index import blas_distances
from binbench.plugins.registry import ALGORITHMS
from binbench.progress import progress
from binbench.records.rows import rows
from binbench.sets import Metric
from binbench.sets.embeddings import EmbeddingSet, check_vectors
from binbench.sets.encoders import at_unit_length
from binbench.sets.vector_files import open_vectors
from binbench.tasks.index_files import described, write_index

#: What `index.json` repeats of a stored result on the same vectors.
QUALITY = ("recall@10", "recall@10_ci_low", "recall@10_ci_high", "ndcg@10", "retention", "queries", "k", "date", "file")


@dataclass(frozen=True)
class Documents:
    """What an index is built over.

    Attributes:
        rows: (N, d) float32, unit rows for angular distance, mapped from a file.
        ids: by row, or None.
        distance: ``angular`` or ``euclidean``.
        about: where they come from, as JSON values.
    """

    rows: FloatArray
    ids: Sequence[str] | None
    distance: str
    about: dict[str, Any]


def documents_of(embeddings: EmbeddingSet) -> Documents:
    """The documents of an embedding set."""
    about = {"set": embeddings.name, "fingerprint": embeddings.fingerprint}
    return Documents(embeddings.train, embeddings.train_ids, embeddings.distance, about)


def from_file(path: Path, scratch: Path, metric: Metric | None = None, column: str | None = None) -> Documents:
    """The vectors of a file, copied block by block, at unit length where they are ranked by angle, to `scratch`.

    Raises:
        UserError: it holds no vectors, or one without a direction.
    """
    vectors = open_vectors(path, "train", column)
    distance = vectors.ranked_by(metric)
    shape = vectors.count, vectors.dimension
    rows = np.lib.format.open_memmap(scratch, "w+", np.float32, shape)
    start = 0
    with progress(f"reading {path.name}", len(rows), "vectors") as advance:
        for block in vectors.blocks():
            check_vectors(block, "document", start, zeros_allowed=distance != "angular")
            rows[start : start + len(block)] = at_unit_length(block) if distance == "angular" else block
            start += len(block)
            advance(len(block))
    about = {"train": path.name, "train_sha256": sha256_of(path) if path.is_file() else None}
    ids = vectors.ids() if vectors.ids else None
    return Documents(np.load(scratch, mmap_mode="r"), ids, distance, about)


def build(
    name: str, documents: Documents, folder: Path, *, seed: int = 0, results_dir: Path | None = None, **arguments: Any
) -> Footprint:
    """Fit the method `name` over `documents` and write it into the empty `folder`.

    Args:
        name: an instance, such as ``pq32``.
        documents: to be searched.
        folder: must exist; see :func:`binbench.files.whole_folder`.
        seed: of everything random in the method.
        results_dir: where to look for what was measured of it on the same vectors.
        arguments: query-time arguments, such as ``nprobe=4``.

    Returns:
        The bytes of the index.

    Raises:
        UserError: an unknown method or argument.
        Unsupported: the method does not fit the documents, or cannot be written.
    """
    algorithm = fitted(name, documents.rows, documents.distance, seed, arguments)
    about = {
        **described(name, algorithm, len(documents.rows), documents.rows.shape[1], documents.distance, seed),
        "arguments": arguments,
        **documents.about,
        "quality": measured(name, documents, results_dir) if results_dir else [],
    }
    write_index(folder, algorithm, documents.ids, documents.rows[:100], about)
    return algorithm.footprint()


def fitted(name: str, rows: FloatArray, distance: str, seed: int, arguments: Mapping[str, Any]) -> Algorithm:
    """The method `name` over `rows` (N, d), outside of the harness; raises as :func:`build`."""
    from binbench.plugins import transform  # noqa: F401  (names with an @)

    instance = ALGORITHMS.get(name)
    if distance not in instance.family.plugin.metrics:
        raise Unsupported(f"{name} does not rank by {distance} distance")
    for argument in arguments:
        if argument not in instance.query_grid:
            raise unknown(f"query argument of {name}", argument, instance.query_grid)
    algorithm: Algorithm = instance.create(dimension=rows.shape[1], seed=seed, metric=distance)
    with blas_distances():
        algorithm.fit(rows)
    if arguments:
        algorithm.set_query_arguments(**arguments)
    return algorithm


def measured(name: str, documents: Documents, results_dir: Path) -> list[dict[str, Any]]:
    """What is stored of the method on the whole of the same vectors: one mapping a result."""
    if "set" not in documents.about or not results_dir.is_dir():
        return []
    wanted = {"set": documents.about["set"], "fingerprint": documents.about["fingerprint"], "instance": name}
    found = [
        row
        for row in rows(results_dir)
        if row["status"] == "ok"
        and row["documents"] == len(documents.rows)
        and all(row[key] == value for key, value in wanted.items())
    ]
    return [{key: row[key] for key in QUALITY if row[key] is not None} for row in found]
