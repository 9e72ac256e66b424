"""Measures by name: each is one function with its definition, direction, depth and version."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError, unknown
from binbench.measures.answers import Answers

Array = NDArray[np.float64]
Against = Literal["float", "qrels"]
Function = TypeVar("Function", bound=Callable[..., Any])

#: Modules whose measures are shown first, in this order; others follow.
FAMILIES = tuple(f"binbench.measures.{family}" for family in ("ranking", "scores", "relevance", "ties"))


@dataclass(frozen=True)
class Measure:
    """One measure, defined per query.

    Attributes:
        name: in records, columns and options.
        against: what it compares with: the exact ``float`` ranking, or relevance judgements (``qrels``).
        larger_is_better: False for errors.
        definition: one line.
        depth: results per query that it needs, of the method and of an exact ranking; with fewer it does not apply.
        version: raised with the definition, so that stored figures of this measure are computed anew.
        label: in tables and plots.
        function: from answers to (Q,) float64, NaN where it is not defined for a query; None where it does not apply.
    """

    name: str
    against: Against
    larger_is_better: bool
    definition: str
    depth: int
    version: int
    label: str
    function: partial[Array | None]

    def __call__(self, answers: Answers) -> Array | None:
        """The measure of `answers`, (Q,) float64; None where it does not apply."""
        if answers.ids.shape[1] < self.depth:
            return None
        applies = answers.qrels is not None if self.against == "qrels" else answers.true_ids.shape[1] >= self.depth
        return self.function(answers) if applies else None


class Measures(Mapping[str, Measure]):
    """Measures by name, in the order they are shown; the package's own are imported when first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Measure] = {}
        self._loaded = False

    def add(self, one: Measure) -> None:
        """Register `one`.

        Raises:
            UserError: its name is taken.
        """
        if one.name in self._known:
            raise UserError(f"two measures are called {one.name!r}: rename one")
        self._known[one.name] = one

    def remove(self, name: str) -> None:
        """Forget the measure called `name`."""
        del self._known[name]

    def find(self, name: str) -> Measure:
        """The measure called `name`.

        Raises:
            UserError: there is none; the nearest names are suggested.
        """
        if name not in self:
            raise unknown("measure", name, self)
        return self[name]

    def _load(self) -> dict[str, Measure]:
        if not self._loaded:
            self._loaded = True
            folder = importlib.import_module("binbench.measures")
            for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
                importlib.import_module(f"binbench.measures.{module}")
            # Whoever imported a family before has registered its measures first.
            self._known = dict(sorted(self._known.items(), key=lambda item: _place(item[1])))
        return self._known

    def __getitem__(self, name: str) -> Measure:
        return self._load()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def __len__(self) -> int:
        return len(self._load())


def _place(one: Measure) -> int:
    module = one.function.func.__module__
    return FAMILIES.index(module) if module in FAMILIES else len(FAMILIES)


MEASURES = Measures()


def measure(
    pattern: str,
    *,
    against: Against,
    definition: str,
    depth: int | None = None,
    larger_is_better: bool = True,
    version: int = 1,
    label: str = "",
    values: Sequence[Mapping[str, Any]] = ({},),
) -> Callable[[Function], Function]:
    """Register the decorated function, once for each of `values`: what fills `pattern`, `definition` and `label`.

    The function gets the answers and those of the values that it names. Unless it is given, the depth is the cut in the
    name (10 for ``map@10``), and the label is the name. Everything else is as in :class:`Measure`.

    Raises:
        UserError: a name is taken.
    """

    def decorate(function: Function) -> Function:
        named = inspect.signature(function).parameters
        for given in values:
            name = pattern.format(**given)
            cut = re.search(r"@(\d+)", name)
            MEASURES.add(
                Measure(
                    name=name,
                    against=against,
                    larger_is_better=larger_is_better,
                    definition=definition.format(**given),
                    depth=depth if depth is not None else int(cut[1]) if cut else 0,
                    version=version,
                    label=(label or pattern.replace("_", " ")).format(**given),
                    function=partial(function, **{key: value for key, value in given.items() if key in named}),
                )
            )
        return function

    return decorate


def compute(answers: Answers, names: Iterable[str] | None = None) -> dict[str, Array]:
    """Every measure that applies to `answers`, or those of `names`, by name."""
    found = {name: MEASURES.find(name)(answers) for name in (MEASURES if names is None else names)}
    return {name: values for name, values in found.items() if values is not None}


def versions() -> dict[str, int]:
    """Measure → version of its definition: stored figures of another version are stale."""
    return {name: one.version for name, one in MEASURES.items()}
