"""Shorter or turned vectors for any method: a transform in front of it, named behind an ``@``."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from binbench.plugins.algorithm import Algorithm, Answer, FloatArray, Footprint, Ids
from binbench.plugins.faiss_index import BLOCK
from binbench.plugins.family import Family, Instance
from binbench.plugins.registry import ALGORITHMS, REGISTRIES, Registry


class Transform(ABC):
    """A map of vectors that is learned from documents only; queries and documents go through it alike.

    A subclass takes `dimension` (int), its parameters and, where anything is random or sampled, `seed` (int) as
    constructor keywords. Learned state ends in ``_``. The constructor or `fit` raises :exc:`binbench.Unsupported` where
    it cannot serve the set. On angular sets the results are brought to unit length afterwards.
    """

    #: Whether cosines stay what they are, so that scores on their scale stay so too.
    isometric: ClassVar[bool] = False

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    @property
    def width(self) -> int:
        """The dimension of the results."""
        return self.dimension

    @property
    def nbytes(self) -> int:
        """The bytes of what `apply` needs, once however many vectors there are."""
        return sum(value.nbytes for value in vars(self).values() if isinstance(value, np.ndarray))

    def fit(self, train: FloatArray) -> None:
        """Learn from `train`, (N, dimension) float32, read-only; nothing by default."""
        return

    @abstractmethod
    def apply(self, vectors: FloatArray) -> FloatArray:
        """(n, width) float32 of (n, dimension) vectors; equal rows give equal rows."""


class Transformed(Algorithm):
    """A method on transformed vectors; :func:`composed` makes a subclass for a method and a transform."""

    inner: ClassVar[Instance]
    transform: ClassVar[Instance]
    #: The plugins whose code decides the answers; see :mod:`binbench.plugins.identity`.
    parts: ClassVar[tuple[Any, ...]] = ()

    def __init__(self, dimension: int, seed: int = 0, metric: str = "angular") -> None:
        self.unit = metric == "angular"
        self.transform_: Transform = self.transform.create(dimension=dimension, seed=seed)
        self.inner_: Algorithm = self.inner.create(dimension=self.transform_.width, seed=seed, metric=metric)
        #: Whether the method promises to see every row; see the base classes that search.
        self.exhaustive: bool = getattr(self.inner_, "exhaustive", True)

    def fit(self, train: FloatArray) -> None:
        """Learn the transform from `train`, then fit the method on what it makes of it."""
        self.facts.clear()
        with self.stage("train"):
            self.transform_.fit(train)
        with self.stage("encode"):
            vectors = np.empty((len(train), self.transform_.width), np.float32)
            for start in range(0, len(train), BLOCK):
                vectors[start : start + BLOCK] = self._apply(train[start : start + BLOCK])
        vectors.flags.writeable = False
        self.inner_.fit(vectors)
        for fact, value in self.inner_.facts.items():
            self.facts[fact] = self.facts.get(fact, 0.0) + value if fact.endswith("_seconds") else value

    def query(self, queries: FloatArray, k: int) -> Answer:
        """The method's answers to transformed queries."""
        return self.inner_.query(self._apply(queries), k)

    def tied(self, queries: FloatArray, k: int) -> tuple[Ids, FloatArray, Ids] | None:
        """The method's, of transformed queries."""
        return self.inner_.tied(self._apply(queries), k)

    def decode(self, vectors: FloatArray) -> FloatArray | None:
        """The method's codes of transformed vectors."""
        return self.inner_.decode(self._apply(vectors))

    def set_query_arguments(self, **arguments: Any) -> None:
        """Passed on to the method, of which copies of this one do not share them."""
        self.inner_ = copy.copy(self.inner_)
        self.inner_.set_query_arguments(**arguments)

    def footprint(self) -> Footprint:
        """The method's bytes, and the transform's among the shared ones."""
        held = self.inner_.footprint()
        return Footprint(held.codes, held.extras, held.shared + self.transform_.nbytes, held.rescore)

    def _apply(self, vectors: FloatArray) -> FloatArray:
        moved = self.transform_.apply(vectors)
        if not self.unit:
            return moved
        norms = np.sqrt(np.einsum("ij,ij->i", moved, moved, dtype=np.float64))
        # A vector without a direction stays as it is: there is nothing to bring to unit length.
        return (moved / np.where(norms > 0, norms, 1)[:, None]).astype(np.float32)


def composed(inner: Instance, transform: Instance) -> Instance:
    """``inner@transform`` as an instance of its own."""
    method: type[Algorithm] = inner.family.plugin
    plugin = type(
        f"{method.__name__}At{transform.family.plugin.__name__}",
        (Transformed,),
        {
            "__doc__": f"{inner.family.summary} After: {transform.family.summary}",
            "__module__": __name__,
            "inner": inner,
            "transform": transform,
            "parts": (method, *getattr(method, "parts", ()), transform.family.plugin),
            "metrics": method.metrics,
            "scoring": method.scoring,
            "score_scale": method.score_scale if transform.family.plugin.isometric else "own",
            "query_grid": inner.query_grid,
            "effective": method.effective,
            "libraries": (*method.libraries, *getattr(transform.family.plugin, "libraries", ())),
        },
    )
    family = _ComposedFamily(f"{inner.family.pattern}@{transform.family.pattern}", plugin, {}, {})
    given = {f"{transform.family.name}_{name}": value for name, value in transform.parameters.items()}
    return _Composed(f"{inner.name}@{transform.name}", family, inner.parameters | given)


class _ComposedFamily(Family):
    """A family that is named after its parts."""

    @property
    def name(self) -> str:
        """``pq@pca``."""
        return f"{self.plugin.inner.family.name}@{self.plugin.transform.family.name}"


class _Composed(Instance):
    """An instance whose parameters are its parts' already."""

    def takes(self, keyword: str) -> bool:
        """Whether the method or the transform does."""
        return self.family.plugin.inner.takes(keyword) or self.family.plugin.transform.takes(keyword)

    def create(self, **given: Any) -> Algorithm:
        """The method on transformed vectors."""
        made: Algorithm = self.family.plugin(
            **{name: value for name, value in given.items() if name in ("dimension", "seed", "metric")}
        )
        return made


def _behind(inner: Instance, name: str) -> Instance:
    return composed(inner, TRANSFORMS.get(name))


TRANSFORMS = Registry("transform", "binbench.algorithms", Transform)
REGISTRIES.append(TRANSFORMS)
ALGORITHMS.compose = _behind
register_transform = TRANSFORMS.register
