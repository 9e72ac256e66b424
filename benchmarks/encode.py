"""Encoding documents to codes, learning left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .data import Vectors, create, documents, processor_seconds, version


class Encode:
    """`time_encode`: all documents to codes, by a method that has learned already."""

    # One of each way of encoding. The names are asv's history: a rule that asks a commit's registry would change it.
    params = (["binary256", "ortho256", "sign", "itq128", "int8", "pq16", "pqfs16", "rabitq1"], [2000, 10000])
    param_names = ("method", "documents")
    timer = processor_seconds

    def setup_cache(self) -> dict[int, Vectors]:
        return {count: documents(count) for count in self.params[1]}

    def setup(self, sets: dict[int, Vectors], method: str, count: int) -> None:
        self.vectors = sets[count]
        algorithm = create(method)
        algorithm.fit(self.vectors[:2000])
        self.encode = encoder(algorithm)

    @version("1")
    def time_encode(self, sets: dict[int, Vectors], method: str, count: int) -> None:
        self.encode(self.vectors)


def encoder(algorithm: Any) -> Callable[[Vectors], object]:
    """The part of `fit` that encodes: of methods that encode themselves, or of faiss."""
    # Where older commits keep it for `binary`.
    if hasattr(algorithm, "engine_"):
        return algorithm.engine_.encode
    if hasattr(algorithm, "encode"):
        return algorithm.encode

    transformed = getattr(algorithm, "transformed", lambda rows: rows)

    def add(rows: Vectors) -> None:
        algorithm.index_.reset()
        algorithm.index_.add(transformed(rows))

    return add
