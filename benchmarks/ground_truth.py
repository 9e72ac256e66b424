"""Exact nearest neighbours: what every embedding set carries."""

from __future__ import annotations

from .data import Vectors, documents, processor_seconds, queries, version, wanted

BLOCK = 4096


class GroundTruth:
    """`time_nearest` and `peakmem_nearest`: the 100 nearest documents of 200 queries, streamed in blocks."""

    params = ([5000, 20000],)
    param_names = ("documents",)
    timer = processor_seconds

    def setup_cache(self) -> tuple[Vectors, Vectors]:
        return documents(max(self.params[0])), queries(200)

    def setup(self, pair: tuple[Vectors, Vectors], count: int) -> None:
        self.nearest = wanted("binbench.sets.neighbors", "nearest")
        train, self.queries = pair
        self.blocks = [train[start : min(start + BLOCK, count)] for start in range(0, count, BLOCK)]

    @version("1")
    def time_nearest(self, pair: tuple[Vectors, Vectors], count: int) -> None:
        self.nearest(self.blocks, self.queries, 100)

    @version("1")
    def peakmem_nearest(self, pair: tuple[Vectors, Vectors], count: int) -> None:
        self.nearest(self.blocks, self.queries, 100)
