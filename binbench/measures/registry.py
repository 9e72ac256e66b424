"""Measures by name: each is one function with its definition, direction, depth and version."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from binbench.measures.answers import Answers

Array = NDArray[np.float64]
Against = Literal["float", "qrels"]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Measure:
    """One measure, defined per query.

    Attributes:
        name: in records, columns and options.
        against: what it compares with: the exact ``float`` ranking, or relevance judgements (``qrels``).
        larger_is_better: False for errors.
        definition: one line.
        depth: results per query that it needs; with fewer it does not apply.
        version: raised with the definition, so that stored figures are computed anew.
        label: in tables and plots.
        function: from answers to (Q,) float64, NaN where it is not defined for a query; None where it does not apply.
        arguments: what else it is called with.
        place: where it is shown among the others.
    """

    name: str
    against: Against
    larger_is_better: bool
    definition: str
    depth: int
    version: int
    label: str
    function: Function
    arguments: Mapping[str, Any]
    place: int

    def __call__(self, answers: Answers) -> Array | None:
        """The measure of `answers`, (Q,) float64; None where it does not apply."""
        if answers.ids.shape[1] < self.depth or (self.against == "qrels" and answers.qrels is None):
            return None
        found: Array | None = self.function(answers, **self.arguments)
        return found


def measure(
    pattern: str,
    *,
    against: Against,
    definition: str,
    depth: int = 0,
    larger_is_better: bool = True,
    version: int = 1,
    label: str = "",
    place: int = 1000,
    values: Sequence[Mapping[str, Any]] = ({},),
) -> Callable[[Function], Function]:
    """Register the decorated function, once for each of `values`: keywords that fill `pattern` and are passed to it.

    `definition` and `label` may hold the same placeholders, and :attr:`Measure.depth` is the value called ``k`` where
    there is one. Everything else is as in :class:`Measure`.
    """

    def decorate(function: Function) -> Function:
        for i, given in enumerate(values):
            name = pattern.format(**given)
            _MEASURES[name] = Measure(
                name=name,
                against=against,
                larger_is_better=larger_is_better,
                definition=definition.format(**given),
                depth=int(given.get("k", depth)),
                version=version,
                label=(label or pattern).format(**given),
                function=function,
                arguments={key: value for key, value in given.items() if not key.startswith("_")},
                place=place + i,
            )
        return function

    return decorate


_MEASURES: dict[str, Measure] = {}


class _Measures(Mapping[str, Measure]):
    """Every measure by its name, in the order they are shown; the folder's modules are imported when first asked."""

    def __init__(self) -> None:
        self._loaded = False

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            folder = importlib.import_module("binbench.measures")
            for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
                importlib.import_module(f"binbench.measures.{module}")

    def __getitem__(self, name: str) -> Measure:
        self._load()
        return _MEASURES[name]

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(sorted(_MEASURES, key=lambda name: _MEASURES[name].place))

    def __len__(self) -> int:
        self._load()
        return len(_MEASURES)


MEASURES: Mapping[str, Measure] = _Measures()


def compute(answers: Answers) -> dict[str, Array]:
    """Every measure that applies to `answers`, by name."""
    found = {name: one(answers) for name, one in MEASURES.items()}
    return {name: values for name, values in found.items() if values is not None}


def versions() -> dict[str, int]:
    """What stored figures depend on: every measure's version."""
    return {name: one.version for name, one in MEASURES.items()}
