"""Learning from documents and encoding them: what an index costs to build."""

from __future__ import annotations

from .data import Vectors, create, documents, processor_seconds, version


class Fit:
    """`time_fit` and `peakmem_fit` of one method."""

    # One of each way of learning. The names are asv's history: a rule that asks a commit's registry would change it.
    params = (
        ["float", "int8", "pq16", "pqfs16", "rabitq1", "hnsw16", "itq128", "sign", "binary256"],
        [2000, 10000],
    )
    param_names = ("method", "documents")
    timer = processor_seconds
    number = 1

    def setup_cache(self) -> dict[int, Vectors]:
        return {count: documents(count) for count in self.params[1]}

    def setup(self, sets: dict[int, Vectors], method: str, count: int) -> None:
        self.vectors = sets[count]
        self.algorithm = create(method)

    @version("1")
    def time_fit(self, sets: dict[int, Vectors], method: str, count: int) -> None:
        self.algorithm.fit(self.vectors)

    @version("1")
    def peakmem_fit(self, sets: dict[int, Vectors], method: str, count: int) -> None:
        self.algorithm.fit(self.vectors)
