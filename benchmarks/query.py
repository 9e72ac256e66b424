"""Searching fitted methods: all queries in one call, and one call for each."""

from __future__ import annotations

import pickle
from pathlib import Path

from .data import create, documents, processor_seconds, queries, version

QUERIES = 50
COUNT = 10
#: One of each way of searching. The names are asv's history: a rule that asks a commit's registry would change it.
METHODS = [
    "float",
    "int8",
    "pq16",
    "pqfs16",
    "rabitq1",
    "hnsw16",
    "sign",
    "binary256",
    "binary256-asym",
    "binary256-rescore-int8",
]
SIZES = [2000, 10000]


class Query:
    """`time_query`: the 10 nearest documents of 50 queries."""

    params = (METHODS, SIZES, ["batch", "single"])
    param_names = ("method", "documents", "mode")
    timer = processor_seconds
    repeat = (10, 20, 2.0)  # calls of milliseconds need more samples than asv's default of 5

    def setup_cache(self) -> None:
        for size in SIZES:
            train = documents(size)
            for method in METHODS:
                try:
                    algorithm = create(method)
                except NotImplementedError:
                    continue
                algorithm.fit(train)
                _stored(method, size).write_bytes(pickle.dumps(algorithm))

    def setup(self, method: str, size: int, mode: str) -> None:
        create(method)
        self.algorithm = pickle.loads(_stored(method, size).read_bytes())
        rows = queries(QUERIES)
        self.calls = [rows] if mode == "batch" else [rows[i : i + 1] for i in range(QUERIES)]

    @version("1")
    def time_query(self, method: str, size: int, mode: str) -> None:
        for rows in self.calls:
            self.algorithm.query(rows, COUNT)


def _stored(method: str, size: int) -> Path:
    # asv runs `setup_cache` and the benchmarks that use it in one folder.
    return Path(f"{method}-{size}.pickle")
