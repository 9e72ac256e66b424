"""The plugin interface: what every compression method implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

# Bound before any plugin is loaded; see binbench.harness.timing.
from time import perf_counter_ns as clock
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
Ids = NDArray[np.int64]
Answer = tuple[Ids, FloatArray]
Scoring = Literal["symmetric", "asymmetric"]
Score = Literal["cosine", "hamming", "own"]


@dataclass(frozen=True)
class Footprint:
    """The exact bytes an index holds, itemised.

    Attributes:
        codes: bytes per vector of the codes that are searched.
        extras: further bytes per vector (norms, scales, graph links, stored ids).
        shared: bytes held once, however many vectors there are (codebooks, rotations, thresholds).
        rescore: bytes per vector kept only to re-score candidates.
    """

    codes: float
    extras: float = 0
    shared: int = 0
    rescore: float = 0

    @property
    def per_vector(self) -> float:
        """Bytes per vector without the shared part."""
        return self.codes + self.extras + self.rescore

    def total(self, n: int) -> int:
        """Bytes of an index over `n` vectors."""
        return round(n * self.per_vector) + self.shared


class Algorithm(ABC):
    """A compression method behind one `fit` / `query` interface.

    A subclass takes `dimension` (int), its build parameters and, where anything is random, `seed` (int) as constructor
    keywords; where it ranks by several `metrics`, `metric` is the set's distance from before `fit`, and a constructor
    that names `metric` is told it. Learned state ends in ``_``.
    The constructor or `fit` raises :exc:`binbench.Unsupported` when the method cannot serve the set.
    """

    #: Distances the method can rank by, of ``angular``, ``euclidean`` and ``ip`` (minus the inner product).
    metrics: ClassVar[Sequence[str]] = ("angular",)
    metric: str = "angular"
    #: How a query meets a code: code × code, or float query × code.
    scoring: ClassVar[Scoring] = "asymmetric"
    #: What a score is: an estimate of the cosine, 1 - 2·(Hamming distance)/bits, or a scale of the method's own.
    score_scale: ClassVar[Score] = "own"
    #: Distributions beside numpy and faiss-cpu that the answers depend on: another version makes stored results stale.
    libraries: ClassVar[Sequence[str]] = ()
    #: Whether a second fit with one seed is the same; False where a library draws from no seed that one could give.
    repeatable: ClassVar[bool] = True
    #: Query-time arguments and the values to try; every combination gives one result from the same fit.
    query_grid: ClassVar[Mapping[str, Sequence[Any]]] = {}
    #: Those of them that a search for k rows raises to k; 0, which switches an argument off, stays.
    at_least_k: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def fit(self, train: FloatArray) -> Any:
        """Learn from and encode `train`, (N, d) float32, unit rows for angular sets, read-only."""

    @abstractmethod
    def query(self, queries: FloatArray, k: int) -> Answer:
        """The `k` best rows of `train` for each of `queries`, (Q, d) float32, read-only.

        Returns:
            ids (Q, k) int64, best first, ties by row number, padded with -1 where fewer than `k` exist;
            scores (Q, k) float32, larger is better, padded with -inf.
        """

    @abstractmethod
    def footprint(self) -> Footprint:
        """The exact bytes of what `fit` built."""

    def tied(self, queries: FloatArray, k: int) -> tuple[Ids, FloatArray, Ids] | None:
        """Every row whose score is at least that of the query's `k`-th best; None where the method cannot say.

        Returns:
            ids (n,) int64 of all queries in turn, by score and then row; their scores (n,) float32; and
            offsets (Q + 1,) int64 of each query's stretch.
        """
        return None

    def decode(self, vectors: FloatArray) -> FloatArray | None:
        """What the fitted method's codes of `vectors` (n, d) stand for, as features for a classifier.

        Returns:
            (n, m) float32: ±1 for bits, otherwise the vectors that queries are compared with, up to a rotation; None
            where the method has no codes of its own.
        """
        return None

    @classmethod
    def query_grid_of(cls, **parameters: Any) -> Mapping[str, Sequence[Any]]:
        """`query_grid`; a method overrides it whose arguments depend on its build parameters."""
        return cls.query_grid

    @classmethod
    def effective(cls, k: int, **arguments: Any) -> dict[str, Any]:
        """What the query-time `arguments` amount to when `k` rows are asked for."""
        return {name: max(value, k) if value and name in cls.at_least_k else value for name, value in arguments.items()}

    def set_query_arguments(self, **arguments: Any) -> None:
        """Set the query-time arguments named in `query_grid`, as attributes of the same names."""
        for name, value in arguments.items():
            if name not in self.query_grid:
                raise TypeError(f"{type(self).__name__} has no query argument {name!r}")
            setattr(self, name, value)

    @property
    def facts(self) -> dict[str, Any]:
        """What `fit` wants recorded beside the result: training rows, notes (list of str), stage seconds."""
        return self.__dict__.setdefault("facts_", {})

    def note(self, text: str) -> None:
        """Have `text` shown once on this method's result row."""
        notes = self.facts.setdefault("notes", [])
        if text not in notes:
            notes.append(text)

    @contextmanager
    def stage(self, name: Literal["train", "encode"]) -> Iterator[None]:
        """Time a part of `fit`, so that results tell learning from encoding."""
        start = clock()
        try:
            yield
        finally:
            key = f"{name}_seconds"
            self.facts[key] = self.facts.get(key, 0.0) + (clock() - start) / 1e9
