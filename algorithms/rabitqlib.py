"""rabitqlib, where it is installed: RaBitQ by its authors."""

from __future__ import annotations

import tempfile
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register
from binbench.plugins.algorithm import Answer, FloatArray, Ids
from binbench.plugins.faiss_index import ranked, sample_rows, trained_on
from binbench.plugins.libraries import library


class RaBitQLib(Algorithm):
    """An index of rabitqlib over the cells of its k-means: a subclass gives `empty` and `ask`."""

    libraries = ("rabitqlib",)
    metrics = ("angular", "euclidean", "ip")
    score_scale = "own"
    exhaustive = False

    def __init__(self, dimension: int, lists: int, bits: int, seed: int = 0) -> None:
        library("rabitqlib", "rabitqlib")
        if dimension < 64:
            raise Unsupported(f"rabitqlib takes 64 dimensions at least, not {dimension}")
        if not 1 <= bits <= 9:
            raise Unsupported(f"rabitqlib stores 1 to 9 bits per dimension, not {bits}")
        self.dimension = dimension
        self.lists = lists
        self.bits = bits
        self.seed = seed

    @property
    def space(self) -> str:
        """`metric` as the library calls it."""
        return "l2" if self.metric == "euclidean" else "ip"

    @abstractmethod
    def empty(self, count: int) -> Any:
        """An index that can hold `count` rows."""

    @abstractmethod
    def ask(self, queries: FloatArray, k: int) -> tuple[Any, Any]:
        """The index's `k` ids and distances, smaller is better."""

    def fit(self, train: FloatArray) -> None:
        """Cluster `train` and add every row.

        Raises:
            Unsupported: there are fewer rows than cells.
        """
        self.facts.clear()
        if len(train) < self.lists:
            raise Unsupported(f"{len(train)} documents are too few for {self.lists} cells")
        rows = np.ascontiguousarray(train)
        if len(sample_rows(rows, None, self.seed)) < len(rows):
            raise Unsupported("its library learns from all documents: --max-train cannot cap it")
        with self.stage("train"):
            cells = library("rabitqlib", "rabitqlib").RaBitQKMeans(
                self.dimension, self.lists, seed=self.seed, num_threads=1, min_points_per_centroid=1
            )
            cells.train(rows)
        trained_on(self, len(rows), self.lists)
        with self.stage("encode"):
            index = self.empty(len(rows))
            index.build(rows, cells.centroids, cells.assignments)
        self.index_ = index

    def query(self, queries: FloatArray, k: int) -> Answer:
        return ranked(self.search, queries, k, self.index_.num_points, self.exhaustive)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The index's own `k` results; scores are negative distances."""
        ids, distances = self.ask(np.ascontiguousarray(queries), k)
        there = np.isfinite(distances) & (ids < self.index_.num_points)
        return np.where(there, -distances, -np.inf), np.where(there, ids.astype(np.int64), -1)

    def footprint(self) -> Footprint:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "index"
            self.index_.save(str(path))
            held = path.stat().st_size
        codes = self.dimension * self.bits / 8
        shared = 4 * self.lists * self.dimension
        return Footprint(codes=codes, extras=(held - shared) / max(1, self.index_.num_points) - codes, shared=shared)


@register("rabitq-ivf{lists}x{bits}", lists=[16], bits=[1, 2, 4, 8])
class RaBitQLists(RaBitQLib):
    """RaBitQ codes in the inverted lists of k-means cells, by its authors' library; query argument `nprobe`.

    Asymmetric, float query × code (Gao et al., 2025; rabitqlib `IvfIndex`, whose rotation cannot be seeded). Stores
    the codes, their factors, the row numbers and the cells' centroids; bytes are those of the saved index.
    """

    repeatable = False
    query_grid: ClassVar = {"nprobe": [1, 4, 16, 64]}

    @classmethod
    def query_grid_of(cls, **parameters: Any) -> Mapping[str, Sequence[Any]]:
        """No more probes than there are lists."""
        return {"nprobe": [n for n in cls.query_grid["nprobe"] if n <= parameters["lists"]]}

    def __init__(self, dimension: int, lists: int, bits: int, seed: int = 0) -> None:
        super().__init__(dimension, lists, bits, seed)
        self.nprobe = 16

    def empty(self, count: int) -> Any:
        return library("rabitqlib", "rabitqlib").IvfIndex(self.dimension, count, self.lists, self.bits, self.space)

    def ask(self, queries: FloatArray, k: int) -> tuple[Any, Any]:
        return self.index_.search(queries, k, min(self.nprobe, self.lists))


@register("rabitq-hnsw{links}x{bits}", links=[16], bits=[4])
class RaBitQGraph(RaBitQLib):
    """A navigable small-world graph over RaBitQ codes, by its authors' library; query argument `ef_search`.

    Asymmetric, float query × code (Gao et al., 2025; rabitqlib `HnswIndex`, 16 cells, `ef_construction` 200). Stores
    the codes, their factors, the graph and the cells' centroids; bytes are those of the saved index.
    """

    query_grid: ClassVar = {"ef_search": [16, 64, 256]}
    at_least_k = ("ef_search",)

    def __init__(self, dimension: int, links: int, bits: int, seed: int = 0) -> None:
        super().__init__(dimension, 16, bits, seed)
        self.links = links
        self.ef_search = 64

    def empty(self, count: int) -> Any:
        module = library("rabitqlib", "rabitqlib")
        return module.HnswIndex(self.dimension, count, self.links, 200, self.bits, self.space, self.seed + 1)

    def ask(self, queries: FloatArray, k: int) -> tuple[Any, Any]:
        return self.index_.search(queries, k, max(self.ef_search, k))
