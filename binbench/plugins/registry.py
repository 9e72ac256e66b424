"""How plugins are named and found.

A plugin registers a pattern such as ``binary{bits}`` with a default grid (``bits=[64, 128]``). Every name that fits the
pattern is an instance; the grid's names are the default instances, and the pattern without its placeholders
(``binary``) names the family. Keywords that are not placeholders are constants passed to the plugin as they are.
"""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import inspect
import itertools
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from binbench.errors import UserError, unknown
from binbench.plugins.algorithm import Algorithm

Plugin = TypeVar("Plugin", bound=Callable[..., Any])

_PLACEHOLDER = re.compile(r"{(\w+)}")
_NAME = re.compile(r"[a-z0-9.+-]+", re.IGNORECASE)


@dataclass(frozen=True)
class Family:
    """One registered pattern: every instance it names is made by the same plugin."""

    pattern: str
    plugin: Any
    grid: dict[str, tuple[Any, ...]]
    constants: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The pattern's text outside its placeholders: ``binary{bits}-asym`` → ``binary-asym``."""
        pieces = _PLACEHOLDER.split(self.pattern)
        return (pieces[0] if len(pieces) == 1 else pieces[0] + pieces[-1]).strip("-")

    @property
    def source(self) -> str:
        """The file the plugin is defined in."""
        return inspect.getsourcefile(self.plugin) or self.plugin.__module__

    @property
    def summary(self) -> str:
        """The first line of the plugin's docstring."""
        return (inspect.getdoc(self.plugin) or "").partition("\n")[0]

    def instances(self) -> Iterator[Instance]:
        """The instances of the default grid, in order."""
        for values in itertools.product(*self.grid.values()):
            parameters = dict(zip(self.grid, values, strict=True))
            yield Instance(self.pattern.format(**parameters), self, parameters | self.constants)

    def match(self, name: str) -> Instance | None:
        """The instance called `name`, or None when it does not fit the pattern."""
        pieces = _PLACEHOLDER.split(self.pattern)
        expression = "".join(
            f"(?P<{piece}>{_expression(self.grid[piece])})" if i % 2 else re.escape(piece)
            for i, piece in enumerate(pieces)
        )
        found = re.fullmatch(expression, name)
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
        return "seed" in inspect.signature(self.family.plugin).parameters

    def create(self, **given: Any) -> Any:
        """Call the plugin with the instance's parameters and those of `given` that it names."""
        accepted = inspect.signature(self.family.plugin).parameters
        return self.family.plugin(**{k: v for k, v in given.items() if k in accepted}, **self.parameters)


def _expression(values: Sequence[Any]) -> str:
    # Without leading zeros a value has one spelling, so that one instance has one name.
    return r"[1-9]\d*" if isinstance(values[0], int) else r"[a-z0-9.]+"


class Registry:
    """All plugins of one kind: the package's own, those of entry points, and those of files named by the user."""

    def __init__(self, kind: str, group: str) -> None:
        """`group` names both the folder's package and the entry-point group."""
        self.kind = kind
        self.group = group
        self.files: list[Path] = []
        self._families: dict[str, Family] = {}
        self._loaded = False

    def register(self, pattern: str, **keywords: Any) -> Callable[[Plugin], Plugin]:
        """Register the decorated class or function under `pattern`.

        Every placeholder needs a keyword with the list of its default values; other keywords are constants.
        """
        names = _PLACEHOLDER.findall(pattern)
        missing = [name for name in names if not isinstance(keywords.get(name), (list, tuple)) or not keywords[name]]
        if missing:
            raise UserError(f"{self.kind} pattern {pattern!r}: give a list of default values for {', '.join(missing)}")
        if not _NAME.fullmatch(_PLACEHOLDER.sub("0", pattern)):
            raise UserError(f"{self.kind} pattern {pattern!r}: names are made of letters, digits and . + -")

        def decorate(plugin: Plugin) -> Plugin:
            if self is ALGORITHMS and not (inspect.isclass(plugin) and issubclass(plugin, Algorithm)):
                raise UserError(f"{self.kind} {pattern!r}: {plugin!r} is not a subclass of binbench.Algorithm")
            grid = {name: tuple(keywords[name]) for name in names}
            constants = {name: value for name, value in keywords.items() if name not in grid}
            self._add(Family(pattern, plugin, grid, constants))
            return plugin

        return decorate

    def _add(self, new: Family) -> None:
        for old in self._families.values():
            clash = next((i.name for i in new.instances() if old.match(i.name)), None) or next(
                (i.name for i in old.instances() if new.match(i.name)), None
            )
            if old.name == new.name or clash:
                raise UserError(
                    f"two {self.kind} plugins claim {clash or new.name!r}: {old.pattern} in {old.source} "
                    f"and {new.pattern} in {new.source}"
                )
        self._families[new.pattern] = new

    def load(self) -> None:
        """Import the package's plugins and those of installed entry points, once."""
        if self._loaded:
            return
        self._loaded = True
        folder = importlib.import_module(self.group)
        for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
            importlib.import_module(f"{self.group}.{module}")
        for point in sorted(entry_points(group=self.group)):
            try:
                point.load()
            except Exception as error:
                raise UserError(f"{self.kind} plugin {point.name} ({point.value}): {_reason(error)}") from error

    def load_file(self, path: Path) -> None:
        """Import the plugin file `path`, which the user named."""
        path = path.resolve()
        self.load()
        if path in self.files:
            return
        if not path.is_file():
            raise UserError(f"plugin file {path} does not exist")
        name = f"binbench_plugin_{path.stem}_{len(self.files)}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise UserError(f"plugin file {path} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        before = len(self._families)
        try:
            spec.loader.exec_module(module)
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"plugin file {path}: {_reason(error)}") from error
        if len(self._families) == before:
            raise UserError(
                f"plugin file {path} registers no {self.kind}; decorate a class with @binbench.register(...)"
            )
        self.files.append(path)

    def families(self) -> list[Family]:
        """Every registered family, sorted by name."""
        self.load()
        return sorted(self._families.values(), key=lambda family: family.name)

    def get(self, name: str) -> Instance:
        """The instance called `name`.

        Raises:
            UserError: no pattern fits; the nearest names are suggested.
        """
        for family in self.families():
            if instance := family.match(name):
                return instance
        raise unknown(self.kind, name, self._known(), f"; see `binbench list {self.kind}s`")

    def resolve(self, names: Iterable[str]) -> list[Instance]:
        """The instances that `names` (instances, families, globs, ``all``, comma-separated lists) stand for."""
        families = self.families()
        chosen: dict[str, Instance] = {}
        for name in (part.strip() for text in names for part in text.split(",")):
            found: Iterable[Instance]
            if name == "all":
                found = [i for family in families for i in family.instances()]
            elif any(c in name for c in "*?["):
                found = [
                    i for f in families for i in f.instances() if fnmatch.fnmatchcase(i.name, name) or f.name == name
                ]
                if not found:
                    raise UserError(f"no {self.kind} matches {name!r}; see `binbench list {self.kind}s`")
            elif named := [family for family in families if family.name == name and family.grid]:
                found = named[0].instances()
            else:
                found = [self.get(name)]
            chosen.update((instance.name, instance) for instance in found)
        return list(chosen.values())

    def _known(self) -> list[str]:
        families = self.families()
        return [family.name for family in families] + [i.name for family in families for i in family.instances()]


def _reason(error: Exception) -> str:
    """`error` in one line, with the place in the plugin that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" (line {frames[-1].lineno} of {frames[-1].filename})" if frames else ""
    return f"{type(error).__name__}: {error}".splitlines()[0] + where


ALGORITHMS = Registry("algorithm", "binbench.algorithms")
DATASETS = Registry("dataset", "binbench.datasets")
register = ALGORITHMS.register
register_dataset = DATASETS.register
