"""Graphs and inverted lists over whole or quantized vectors, to tell the loss of searching from that of quantizing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register
from binbench.codes import hamming
from binbench.codes.binarize import encode
from binbench.codes.packing import as_bytes, unpack
from binbench.codes.projections import projection
from binbench.plugins.algorithm import Answer, FloatArray, Ids
from binbench.plugins.faiss_index import FaissAlgorithm, one_thread, ranked

if TYPE_CHECKING:
    import faiss


def linked(links: int) -> float:
    """The bytes of a node's links in the mean: twice as many in the lowest layer, and the higher ones'."""
    return 8 * links + 12 + 4 * links / (links - 1)


@register("hnsw{links}", links=[16, 32], held=lambda dimension, links: 4 * dimension + linked(links))
class HNSW(FaissAlgorithm):
    """A navigable small-world graph over the float32 vectors; query argument `ef_search`, the nodes kept in view.

    Float query × float vector (Malkov and Yashunin, 2016; faiss `IndexHNSWFlat`). Stores the vectors and the graph.
    """

    metrics = ("angular", "euclidean", "ip")
    query_grid: ClassVar = {"ef_search": [16, 64, 256]}
    at_least_k = ("ef_search",)
    exhaustive = False

    def __init__(self, dimension: int, links: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.links = links
        self.ef_search = 64

    def build(self) -> faiss.Index:
        import faiss

        index = faiss.IndexHNSWFlat(self.dimension, self.links, self.metric_type)
        index.hnsw.efConstruction = 200
        index.hnsw.rng = faiss.RandomGenerator(self.seed)
        return index

    def fit(self, train: FloatArray) -> None:
        # Several threads add nodes in an order of their own, and with it another graph each time.
        with one_thread():
            super().fit(train)

    def query(self, queries: FloatArray, k: int) -> Answer:
        # faiss keeps k nodes in view at least, but would stop as early as fewer ask for.
        self.index_.hnsw.efSearch = max(self.ef_search, k)
        return super().query(queries, k)

    def footprint(self) -> Footprint:
        graph = graph_bytes(self.index_.hnsw)
        return Footprint(codes=4 * self.dimension, extras=graph / max(1, self.index_.ntotal))


def graph_bytes(hnsw: faiss.HNSW) -> int:
    """The bytes of a graph's links, of their offsets, and of each node's level."""
    return 4 * hnsw.neighbors.size() + 8 * hnsw.offsets.size() + 4 * hnsw.levels.size()


@register("ivf{lists}", lists=[64, 256], held=lambda dimension, lists: 4 * dimension + 8)
class InvertedLists(FaissAlgorithm):
    """The float32 vectors in the inverted lists of k-means cells; query argument `nprobe`, the lists visited.

    Float query × float vector (Sivic and Zisserman, 2003; faiss `IndexIVFFlat`). Stores the vectors, their row
    numbers and the cells' centroids.
    """

    metrics = ("angular", "euclidean", "ip")
    query_grid: ClassVar = {"nprobe": [1, 4, 16, 64]}
    exhaustive = False

    @classmethod
    def query_grid_of(cls, **parameters: Any) -> Mapping[str, Sequence[Any]]:
        """No more probes than there are lists."""
        return {"nprobe": [n for n in cls.query_grid["nprobe"] if n <= parameters["lists"]]}

    def __init__(self, dimension: int, lists: int, seed: int = 0) -> None:
        super().__init__(dimension, seed)
        self.lists = self.centroids = lists
        self.nprobe = 16

    def build(self) -> faiss.Index:
        import faiss

        cells = faiss.IndexFlat(self.dimension, self.metric_type)
        return self.prepared(faiss.IndexIVFFlat(cells, self.dimension, self.lists, self.metric_type))

    def prepared(self, index: faiss.IndexIVF) -> faiss.IndexIVF:
        """`index` with seeded cells, of unit centroids where these are met by inner products."""
        self.seeded(index.cp)
        index.cp.spherical = self.metric != "euclidean"
        return index

    def query(self, queries: FloatArray, k: int) -> Answer:
        self.index_.nprobe = self.nprobe
        return super().query(queries, k)

    def footprint(self) -> Footprint:
        return Footprint(codes=4 * self.dimension, extras=8, shared=4 * self.lists * self.dimension)


@register("ivfpq{lists}x{bytes}", lists=[64], bytes=[16, 32, 64], held=lambda dimension, lists, bytes: bytes + 8)
class InvertedProductQuantization(InvertedLists):
    """Product quantization of what k-means cells leave over, in inverted lists; query argument `nprobe`.

    Asymmetric, float query × code by look-up tables (Jégou, Douze and Schmid, 2011; faiss `IndexIVFPQ`). Stores the
    codes, the row numbers, the cells' centroids and the codebooks.
    """

    def __init__(self, dimension: int, lists: int, bytes: int, seed: int = 0) -> None:
        super().__init__(dimension, lists, seed)
        if dimension % bytes:
            raise Unsupported(f"the dimension {dimension} does not divide into {bytes} sub-vectors")
        self.bytes = bytes
        self.centroids = max(lists, 256)

    def build(self) -> faiss.Index:
        import faiss

        cells = faiss.IndexFlat(self.dimension, self.metric_type)
        index = faiss.IndexIVFPQ(cells, self.dimension, self.lists, self.bytes, 8, self.metric_type)
        self.seeded(index.pq.cp)
        return self.prepared(index)

    def footprint(self) -> Footprint:
        return Footprint(codes=self.bytes, extras=8, shared=4 * (self.lists + 256) * self.dimension)


@register("binary{bits}-hnsw", bits=[64, 128, 256, 512], held=lambda dimension, bits: bits / 8 + linked(32))
class BinaryHNSW(Algorithm):
    """A navigable small-world graph over random-projection codes; query argument `ef_search`, the nodes kept in view.

    Symmetric, code × code by Hamming distance (codes as `binary`; Malkov and Yashunin, 2016; faiss
    `IndexBinaryHNSW`, 32 links). Stores the codes, the projection and the graph.
    """

    scoring = "symmetric"
    score_scale = "hamming"
    query_grid: ClassVar = {"ef_search": [16, 64, 256]}
    at_least_k = ("ef_search",)
    exhaustive = False

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.projection = projection("gaussian", dimension, bits, seed)
        self.seed = seed
        self.ef_search = 64

    def fit(self, train: FloatArray) -> None:
        import faiss

        self.facts.clear()
        with self.stage("encode"):
            codes = as_bytes(encode(train, self.projection))
            index = faiss.IndexBinaryHNSW(8 * codes.shape[1], 32)
            index.hnsw.efConstruction = 200
            index.hnsw.rng = faiss.RandomGenerator(self.seed)
            with one_thread():
                index.add(codes)
        self.index_ = index

    def query(self, queries: FloatArray, k: int) -> Answer:
        # faiss keeps k nodes in view at least, but would stop as early as fewer ask for.
        self.index_.hnsw.efSearch = max(self.ef_search, k)
        return ranked(self.search, queries, k, self.index_.ntotal, self.exhaustive)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The graph's own `k` results; scores are 1 - 2·h/bits."""
        found, ids = self.index_.search(as_bytes(encode(queries, self.projection)), k)
        # Where the graph led to fewer rows, faiss fills up with the largest integer.
        return hamming.similarities(np.where(ids < 0, self.projection.bits + 1, found), self.projection.bits), ids

    def decode(self, vectors: FloatArray) -> FloatArray:
        """(n, bits) ±1."""
        return 2 * unpack(encode(vectors, self.projection), self.projection.bits).astype(np.float32) - 1

    def footprint(self) -> Footprint:
        graph = graph_bytes(self.index_.hnsw)
        extras = graph / max(1, self.index_.ntotal)
        return Footprint(codes=self.index_.code_size, extras=extras, shared=self.projection.nbytes)
