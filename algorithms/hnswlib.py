"""hnswlib, where it is installed."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from binbench import Algorithm, Footprint, register
from binbench.plugins.algorithm import Answer, FloatArray, Ids
from binbench.plugins.faiss_index import blocks, ranked
from binbench.plugins.libraries import library


@register("hnswlib{links}", links=[16, 32])
class HNSWLib(Algorithm):
    """A navigable small-world graph over the float32 vectors, by its authors' library; query argument `ef_search`.

    Float query × float vector (Malkov and Yashunin, 2016; `hnswlib`, `ef_construction` 200). Stores the vectors and the
    graph; bytes are those of the saved index.
    """

    libraries = ("hnswlib",)
    metrics = ("angular", "euclidean", "ip")
    score_scale = "cosine"
    query_grid: ClassVar = {"ef_search": [16, 64, 256]}
    at_least_k = ("ef_search",)
    exhaustive = False

    def __init__(self, dimension: int, links: int, seed: int = 0) -> None:
        library("hnswlib", "hnswlib")
        self.dimension = dimension
        self.links = links
        self.seed = seed
        self.ef_search = 64

    def fit(self, train: FloatArray) -> None:
        self.facts.clear()
        space = "l2" if self.metric == "euclidean" else "ip"
        index = library("hnswlib", "hnswlib").Index(space=space, dim=self.dimension)
        index.init_index(max_elements=len(train), M=self.links, ef_construction=200, random_seed=self.seed)
        with self.stage("encode"):
            for block in blocks(train):
                # Several threads add nodes in an order of their own.
                index.add_items(block, num_threads=1)
        self.index_ = index

    def query(self, queries: FloatArray, k: int) -> Answer:
        return ranked(self.search, queries, k, self.index_.get_current_count(), self.exhaustive)

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The graph's own `k` results; scores are inner products, or squared distances negated."""
        self.index_.set_ef(max(self.ef_search, k))
        ids, distances = self.index_.knn_query(np.ascontiguousarray(queries), k, num_threads=1)
        return (0 if self.metric == "euclidean" else 1) - distances, ids.astype(np.int64)

    def footprint(self) -> Footprint:
        codes = 4 * self.dimension
        count = max(1, self.index_.get_current_count())
        return Footprint(codes=codes, extras=self.index_.index_file_size() / count - codes)
