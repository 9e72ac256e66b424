"""The figures that must not worsen, on a small set that is the same everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from .data import create, documents, queries, vectors, wanted

DOCUMENTS, QUERIES, DEPTH = 3000, 200, 100
RELEVANT = 5


@dataclass(frozen=True)
class Figures:
    """What one method makes of the set.

    Attributes:
        recall10: mean share of the 10 exact neighbours found.
        ndcg10: mean nDCG@10 against made-up judgements.
        bytes_per_vector: of the whole index, shared parts spread over its vectors.
        code_checksum: of everything learned and encoded.
    """

    recall10: float
    ndcg10: float
    bytes_per_vector: float
    code_checksum: str


@dataclass(frozen=True)
class QualitySet:
    """Vectors with exact neighbours, and judgements that follow the queries loosely."""

    train: NDArray[np.float32]
    test: NDArray[np.float32]
    distances: NDArray[np.float32]
    qrels: NDArray[np.int64]

    @property
    def checksum(self) -> str:
        """Of the vectors and the judgements."""
        return _sha256([self.train, self.test, self.qrels])


@cache
def quality_set() -> QualitySet:
    """The set that all figures are measured on."""
    train, test = documents(DOCUMENTS), queries(QUERIES)
    _, distances = wanted("binbench.sets.neighbors", "nearest")([train], test, DEPTH)
    # Relevant is what is near to the query and a random vector between them.
    meant = test.astype(np.float64) + 0.3 * vectors(QUERIES, 2)
    best = np.argsort(-(meant @ train.astype(np.float64).T), axis=1)[:, :RELEVANT]
    grades = np.where(np.arange(RELEVANT) == 0, 2, 1)
    rows = np.repeat(np.arange(QUERIES), RELEVANT)
    return QualitySet(train, test, distances, np.stack([rows, best.ravel(), np.tile(grades, QUERIES)], axis=1))


def figures(method: str) -> Figures:
    """The figures of `method`.

    Raises:
        NotImplementedError: asv has a commit installed that is older than `method`.
    """
    recall = wanted("binbench.measures.ranking", "recall")
    relevance = wanted("binbench.measures.relevance", "relevance")
    distances_to = wanted("binbench.sets.neighbors", "distances_to")
    known = quality_set()
    algorithm = create(method)
    algorithm.fit(known.train)
    ids, _ = algorithm.query(known.test, DEPTH)
    found = distances_to(known.train, known.test, ids)
    return Figures(
        recall10=round(float(np.mean(recall(known.distances, found, ids, 10))), 6),
        ndcg10=round(float(np.mean(relevance(known.qrels, ids, QUERIES)["ndcg@10"])), 6),
        bytes_per_vector=round(algorithm.footprint().total(DOCUMENTS) / DOCUMENTS, 3),
        code_checksum=_sha256(_state(algorithm)),
    )


def _state(held: Any) -> Iterator[NDArray[Any]]:
    """All arrays that `held` learned or encoded: attributes that end in ``_``, faiss indexes, and the same within."""
    if isinstance(held, np.ndarray):
        yield held
    elif isinstance(held, faiss.Index):
        yield faiss.serialize_index(held)
    elif isinstance(held, faiss.IndexBinary):
        yield faiss.serialize_index_binary(held)
    elif hasattr(held, "packed"):
        yield held.packed
    elif type(held).__module__.startswith("binbench"):
        for name in sorted(vars(held)):
            if name.endswith("_"):
                yield from _state(vars(held)[name])


def _sha256(arrays: Any) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]
