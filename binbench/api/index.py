"""Fitted methods outside of the harness: asked, written, read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.api.arguments import unit_vectors
from binbench.errors import UserError, unknown
from binbench.files import path_of, whole_folder
from binbench.plugins.algorithm import Algorithm, Answer, Footprint


@dataclass(frozen=True)
class Index:
    """A fitted method outside of the harness.

    Attributes:
        name: the instance's, such as ``pq32``.
        algorithm: the plugin itself; takes unit rows only where `distance` is angular.
        distance: ``angular``, ``euclidean`` or ``ip``.
        documents: N.
        dimension: d.
        seed: of everything random in the method.
        ids: of the documents by row, where a loaded index has them.
    """

    name: str
    algorithm: Algorithm
    distance: str
    documents: int
    dimension: int
    seed: int = 0
    ids: list[str] | None = None

    def query(self, queries: NDArray[Any], k: int = 10) -> Answer:
        """The `k` best rows for each of `queries`.

        Args:
            queries: (Q, d) floats, or one query (d,); brought to unit length for angular distance.
            k: results per query.

        Returns:
            ids (Q, k) int64, best first, -1 where fewer than `k` rows exist; scores (Q, k) float32, larger is better.

        Raises:
            UserError: queries that are no vectors.
        """
        from binbench.plugins.faiss_index import blas_distances

        rows = np.atleast_2d(np.asarray(queries))
        if k < 1:
            raise UserError(f"k must be at least 1, not {k}")
        with blas_distances():
            return self.algorithm.query(unit_vectors(rows, "query", self.distance), k)

    def footprint(self) -> Footprint:
        """The exact bytes that the index holds: per vector, and shared by all."""
        return self.algorithm.footprint()

    @property
    def index_bytes(self) -> int:
        """Bytes of the whole index: N × bytes/vector + shared."""
        return self.footprint().total(self.documents)

    @classmethod
    def load(cls, path: str | Path) -> Index:
        """The index that ``binbench build`` wrote into the folder `path`.

        Raises:
            UserError: there is none, it is damaged, or of a method that is not registered.
        """
        from binbench.tasks.index_files import read_index

        algorithm, about = read_index(path_of(path))
        names = ("distance", "documents", "dimension", "seed", "ids")
        return cls(about["method"], algorithm, *(about[name] for name in names))

    def save(self, path: str | Path) -> None:
        """Write it as ``binbench build`` does: files for faiss and numpy, with a script that searches them.

        Raises:
            UserError: the folder `path` is there already, or cannot be written.
            Unsupported: the method holds what neither faiss nor numpy can write.
        """
        from binbench.tasks.index_files import described, write_index

        with whole_folder(path_of(path)) as folder:
            # Any directions tell whether a transform is linear.
            sample = np.eye(self.dimension, dtype=np.float32)
            about = described(self.name, self.algorithm, self.documents, self.dimension, self.distance, self.seed)
            write_index(folder, self.algorithm, self.ids, sample, about)


def fit(name: str, vectors: NDArray[Any], *, distance: str = "angular", seed: int = 0, **arguments: Any) -> Index:
    """Build one registered method over `vectors`, outside of the harness.

    Args:
        name: an instance, such as ``pq32`` or ``int8@mrl256``.
        vectors: (N, d) floats; brought to unit length for angular distance.
        distance: ``angular``, ``euclidean`` or ``ip``.
        seed: of everything random in the method.
        arguments: query-time arguments, such as ``nprobe=4``.

    Raises:
        UserError: an unknown method, vectors that are none, or an argument that the method has not.
        Unsupported: the method does not fit the vectors.
    """
    from binbench.sets.neighbors import DISTANCES
    from binbench.tasks.build import fitted

    if distance not in DISTANCES.values():
        raise unknown("distance", distance, DISTANCES.values(), f"; there are {', '.join(DISTANCES.values())}")
    rows = unit_vectors(np.asarray(vectors), "document", distance)
    return Index(name, fitted(name, rows, distance, seed, arguments), distance, len(rows), rows.shape[1], seed)
