"""What a source gives: documents, queries and relevance judgements, or vectors already."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.files import path_of


@dataclass(frozen=True)
class SourceOptions:
    """What a dataset plugin may need to find its data.

    Attributes:
        split: the qrels split; None for the dataset's own default.
        beir_dir: a folder of unpacked BEIR collections to look in first.
        cache_dir: where downloads are kept.
        seed: the seed of anything sampled.
    """

    split: str | None = None
    beir_dir: Path | None = None
    cache_dir: Path = field(default_factory=lambda: Path("~/.cache/binbench").expanduser())
    seed: int = 0

    @classmethod
    def from_environment(cls, **given: Any) -> SourceOptions:
        """Options with the folders that `BINBENCH_BEIR_DIR` and `BINBENCH_CACHE` name, unless `given`."""
        for name, variable in (("beir_dir", "BINBENCH_BEIR_DIR"), ("cache_dir", "BINBENCH_CACHE")):
            if given.get(name) is None:
                given.pop(name, None)
                if value := os.environ.get(variable):
                    given[name] = path_of(value)
        return cls(**given)


@dataclass(frozen=True)
class Collection:
    """Documents, queries and judgements, in the order of the files.

    Attributes:
        name: the dataset's name, without ``_``.
        split: the qrels split the queries come from.
        doc_ids, documents: parallel lists; a document's text is ``(title + " " + text).strip()``.
        query_ids, queries: parallel lists; only queries that the split judges.
        qrels: (n, 3) int32: query row, document row, grade.
        provenance: what is recorded of the source (JSON values): sampling, seed, fingerprints, source path or URL.
        warnings: one-line remarks for the user (say, judgements of unknown documents that were dropped).
    """

    name: str
    split: str
    doc_ids: list[str]
    documents: list[str]
    query_ids: list[str]
    queries: list[str]
    qrels: NDArray[np.int32]
    provenance: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class VectorSource:
    """Vectors without text: made up, or the user's own.

    Attributes:
        name: the set's name, without ``_``.
        count, dimension: shape of the base vectors.
        train: makes an iterator over the base vectors, blocks of (n, dimension) float32, in row order.
        test: (Q, dimension) float32 queries.
        distance: ``angular``, ``euclidean`` or ``ip`` (minus the inner product).
        provenance: what is recorded of the source (JSON values).
        ids: of the base vectors and of the queries, either None where there are none.
    """

    name: str
    count: int
    dimension: int
    train: Callable[[], Iterator[NDArray[np.float32]]]
    test: NDArray[np.float32]
    distance: str = "angular"
    provenance: dict[str, Any] = field(default_factory=dict)
    ids: tuple[list[str] | None, list[str] | None] = (None, None)


def set_name(text: str) -> str:
    """`text` as a set's name: odd characters become ``-``, also ``_``, at which ann-benchmarks' site splits names."""
    return re.sub(r"[^A-Za-z0-9.+]+", "-", text).strip("-") or "collection"
