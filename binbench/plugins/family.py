"""How plugins are named.

A plugin registers a pattern such as ``binary{bits}`` with a default grid (``bits=[64, 128]``). Every name that fits the
pattern is an instance; the grid's names are the default instances, and the pattern without its placeholders
(``binary``) names the family. Keywords that are not placeholders are constants passed to the plugin as they are. What a
plugin says of itself without being called is declared with it, as facts.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from binbench.plugins.algorithm import Algorithm
from binbench.plugins.declared import asked, checked_grid
from binbench.texts import visible

PLACEHOLDER = re.compile(r"{(\w+)}")


def source_of(plugin: Any) -> str | None:
    """The file that `plugin` is defined in; None for what comes from a prompt, say."""
    try:
        return inspect.getsourcefile(plugin)
    except (TypeError, OSError):
        return None


@dataclass(frozen=True)
class Family:
    """One registered pattern: every instance it names is made by the same plugin."""

    pattern: str
    plugin: Any
    grid: dict[str, tuple[Any, ...]]
    constants: dict[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The pattern's text outside its placeholders: ``binary{bits}-asym`` → ``binary-asym``."""
        pieces = PLACEHOLDER.split(self.pattern)
        return (pieces[0] if len(pieces) == 1 else pieces[0] + pieces[-1]).strip("-:")

    @property
    def source(self) -> str:
        """The file the plugin is defined in, or else its module."""
        return source_of(self.plugin) or str(self.plugin.__module__)

    @property
    def where(self) -> str:
        """Pattern and file, for messages."""
        return f"{self.pattern} in {self.source}"

    @property
    def version(self) -> str:
        """Of what the plugin makes: as it declares, or else a hash of its own code."""
        from binbench.plugins.identity import own_identity

        declared = self.facts.get("version")
        return own_identity(self.plugin) if declared is None else str(declared)

    @property
    def summary(self) -> str:
        """The first line of the plugin's docstring."""
        return visible((inspect.getdoc(self.plugin) or "").partition("\n")[0])

    @property
    def clause(self) -> str:
        """The first clause of the summary, with the constants that tell this family from its plugin's others."""
        first = re.split("[;:.](?: |$)", self.summary)[0].replace("`", "")
        return "; ".join([first, *(f"{name}: {value}" for name, value in self.constants.items())])

    def instances(self) -> Iterator[Instance]:
        """The instances of the default grid, in order."""
        for values in itertools.product(*self.grid.values()):
            parameters = dict(zip(self.grid, values, strict=True))
            yield Instance(self.pattern.format(**parameters), self, parameters | self.constants)

    @functools.cached_property
    def _names(self) -> re.Pattern[str]:
        """What every name fits."""
        pieces = PLACEHOLDER.split(self.pattern)
        return re.compile(
            "".join(
                f"(?P<{piece}>{_expression(self.grid[piece])})" if i % 2 else re.escape(piece)
                for i, piece in enumerate(pieces)
            )
        )

    def match(self, name: str) -> Instance | None:
        """The instance called `name`, or None when it does not fit the pattern."""
        found = self._names.fullmatch(name)
        if found is None:
            return None
        parameters = {key: type(self.grid[key][0])(text) for key, text in found.groupdict().items()}
        return Instance(name, self, parameters | self.constants)


@dataclass(frozen=True)
class Instance:
    """A name such as ``binary256`` with the plugin and the parameters it stands for."""

    name: str
    family: Family
    parameters: dict[str, Any]

    @property
    def seeded(self) -> bool:
        """Whether the plugin takes a seed."""
        return self.takes("seed")

    @property
    def query_grid(self) -> Mapping[str, Sequence[Any]]:
        """A method's query-time arguments and the values to try.

        Raises:
            UserError: the plugin cannot tell, or tells something else.
        """
        with asked(self.family.where):
            grid = self.family.plugin.query_grid_of(**self.parameters)
        return checked_grid(self.family.where, grid)

    def takes(self, keyword: str) -> bool:
        """Whether the plugin names `keyword`, and so depends on it."""
        return keyword in inspect.signature(self.family.plugin).parameters

    def create(self, **given: Any) -> Any:
        """Call the plugin with the instance's parameters and those of `given` that it names."""
        made = self.family.plugin(**{k: v for k, v in given.items() if self.takes(k)}, **self.parameters)
        if isinstance(made, Algorithm) and "metric" in given:
            made.metric = given["metric"]
        return made


def _expression(values: Sequence[Any]) -> str:
    # A type of its own says what its values look like.
    if (own := getattr(values[0], "expression", None)) is not None:
        return str(own)
    # Without leading zeros a value has one spelling, so that one instance has one name; longer ones count nothing.
    return r"[1-9]\d{0,17}" if isinstance(values[0], int) else r"[a-z0-9.]+"
