"""How plugins are found: the package's own, those of installed packages, and those of files that the user names."""

from __future__ import annotations

import fnmatch
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from binbench.errors import UserError, unknown
from binbench.plugins.algorithm import Algorithm
from binbench.plugins.declared import asked, check_algorithm
from binbench.plugins.family import PLACEHOLDER, Family, Instance, source_of

Plugin = TypeVar("Plugin", bound=Callable[..., Any])

_NAME = re.compile(r"[a-z0-9][a-z0-9.+:-]{0,99}", re.IGNORECASE)


class Registry:
    """All plugins of one kind: the package's own, those of entry points, and those of files named by the user."""

    def __init__(self, kind: str, package: str, base: type | None = None) -> None:
        """`package` is the folder of the package's own plugins; `base` is what every plugin must derive from.

        The entry-point group is ``binbench.`` and the kind's plural.
        """
        self.kind = kind
        self.package = package
        self.base = base
        self._families: dict[str, Family] = {}
        self._loaded = False
        #: Makes one instance of another and what stands behind an ``@``; set by :mod:`binbench.plugins.transform`.
        self.compose: Callable[[Instance, str], Instance] | None = None

    def register(
        self, pattern: str, *, facts: Mapping[str, Any] | None = None, **keywords: Any
    ) -> Callable[[Plugin], Plugin]:
        """Register the decorated class or function under `pattern`.

        Every placeholder needs a keyword with the list of its default values; other keywords are constants. `facts` are
        what the plugin says of itself without being called.
        """
        names = PLACEHOLDER.findall(pattern)
        missing = [name for name in names if not isinstance(keywords.get(name), (list, tuple)) or not keywords[name]]
        if missing:
            raise UserError(f"{self.kind} pattern {pattern!r}: give a list of default values for {', '.join(missing)}")
        if not _NAME.fullmatch(PLACEHOLDER.sub("0", pattern)):
            raise UserError(f"{self.kind} pattern {pattern!r}: up to 100 letters, digits and . + - :")

        def decorate(plugin: Plugin) -> Plugin:
            if self.base and not (inspect.isclass(plugin) and issubclass(plugin, self.base)):
                base = self.base.__name__
                raise UserError(f"{self.kind} {pattern!r}: {plugin!r} is not a subclass of binbench.{base}")
            if self.base:
                place = source_of(plugin) or plugin.__module__
                check_algorithm(f"{self.kind} {pattern!r} in {place}", plugin, keywords)
            grid = {name: tuple(keywords[name]) for name in names}
            constants = {name: value for name, value in keywords.items() if name not in grid}
            self._add(Family(pattern, plugin, grid, constants, facts or {}))
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
        from importlib.metadata import entry_points

        folder = importlib.import_module(self.package)
        for module in sorted(info.name for info in pkgutil.iter_modules(folder.__path__)):
            importlib.import_module(f"{self.package}.{module}")
        for point in sorted(entry_points(group=f"binbench.{self.kind}s")):
            with asked(f"{self.kind} plugin {point.name} ({point.value})"):
                point.load()

    def families(self) -> list[Family]:
        """Every registered family, sorted by name."""
        self.load()
        return sorted(self._families.values(), key=lambda family: family.name)

    def find(self, name: str) -> Instance | None:
        """The instance called `name`, or None when no pattern fits; of methods also ``METHOD@TRANSFORM``."""
        families = self.families()
        first, at, second = name.rpartition("@")
        if at and self.compose:
            found = self.find(first)
            return found and self.compose(found, second)
        return next((instance for family in families if (instance := family.match(name))), None)

    def get(self, name: str) -> Instance:
        """The instance called `name`.

        Raises:
            UserError: no pattern fits; the nearest names are suggested, of a family some of its instances.
        """
        if instance := self.find(name):
            return instance
        if named := self._grid(name):
            some = ", ".join(one.name for one in islice(named.instances(), 3))
            raise UserError(f"{self.kind} {name!r} is a family: name one of it, such as {some}")
        raise unknown(self.kind, name, self._known(), f"; see `binbench list {self.kind}s`")

    def resolve(self, names: Iterable[str]) -> list[Instance]:
        """The instances that `names` (instances, families, globs, ``all``, comma-separated lists) stand for."""
        families = self.families()
        chosen: dict[str, Instance] = {}
        for name in (name for text in names for name in spelt_out(text)):
            found: Iterable[Instance]
            if name == "all":
                found = [i for family in families for i in family.instances()]
            elif any(c in name for c in "*?["):
                found = [
                    i for f in families for i in f.instances() if fnmatch.fnmatchcase(i.name, name) or f.name == name
                ]
                if not found:
                    raise UserError(f"no {self.kind} matches {name!r}; see `binbench list {self.kind}s`")
            elif named := self._grid(name):
                found = named.instances()
            else:
                found = [self.get(name)]
            chosen.update((instance.name, instance) for instance in found)
        return list(chosen.values())

    def _grid(self, name: str) -> Family | None:
        """The family called `name`, of more instances than one of that name."""
        return next((family for family in self.families() if family.name == name and family.grid), None)

    def _known(self) -> list[str]:
        families = self.families()
        return [family.name for family in families] + [i.name for family in families for i in family.instances()]


ALGORITHMS = Registry("algorithm", "binbench.algorithms", Algorithm)
DATASETS = Registry("dataset", "binbench.datasets")
ENCODERS = Registry("encoder", "binbench.sets.encoders")
#: A module that has a registry of its own adds it.
REGISTRIES = [ALGORITHMS, DATASETS, ENCODERS]
#: Plugin files that the user named, in the order in which they were loaded.
FILES: list[Path] = []


def register(pattern: str, *, held: Callable[..., float] | None = None, **keywords: Any) -> Callable[[Plugin], Plugin]:
    """Register the decorated class, which makes an :class:`Algorithm`.

    Args:
        pattern: its name, with placeholders for parameters (see :mod:`binbench.plugins.family`).
        held: gives bytes per vector, for `binbench list`, where those are known beforehand; called with the dimension,
            the parameters and the constants.
        keywords: default values of each placeholder; further ones are constants passed to the class.
    """
    return ALGORITHMS.register(pattern, facts={"held": held}, **keywords)


def register_dataset(
    pattern: str,
    *,
    seeded: bool = True,
    needs_encoder: bool | None = None,
    labels: Callable[[str], str] | None = None,
    sizes: Callable[..., Sequence[int | None]] | None = None,
    identity: Callable[..., Mapping[str, Any]] | None = None,
    inputs: Callable[..., Mapping[str, Path | str]] | None = None,
    version: str | int | None = None,
    **keywords: Any,
) -> Callable[[Plugin], Plugin]:
    """Register the decorated function, which makes a :class:`Collection` or a :class:`VectorSource`, as a dataset.

    Args:
        pattern: its name, with placeholders for parameters (see :mod:`binbench.plugins.family`).
        seeded: whether anything depends on the seed of the :class:`SourceOptions`; if so, each seed makes its own set.
        needs_encoder: whether it gives texts; None where the function's return annotation tells it. Without either, it
            is called once to see.
        labels: gives the class of a document by its id, for ``binbench classify``.
        sizes: gives the numbers of documents and queries and the dimension, each None where it is not known before
            loading; called with the options and the parameters.
        identity: gives JSON values that sets are told apart by, beside name, split and seed; called likewise.
        inputs: gives what is read, by a label that people see: paths of files, or text such as a version; called
            likewise. A set is made anew when the content of one changes.
        version: raised when the function gives something else; None for whenever its code changes.
        keywords: default values of each placeholder; further ones are passed to the function.
    """
    facts = {"seeded": seeded, "needs_encoder": needs_encoder, "labels": labels, "sizes": sizes, "identity": identity}
    return DATASETS.register(pattern, facts=facts | {"inputs": inputs, "version": version}, **keywords)


def register_encoder(
    pattern: str,
    *,
    dimension: int | Sequence[int] | None = None,
    rate: float | None = None,
    published: Any = None,
    embedding_model: bool = True,
    version: str | int | None = None,
    **keywords: Any,
) -> Callable[[Plugin], Plugin]:
    """Register the decorated class or function, which makes an :class:`Encoder`.

    It is called with those of `seed`, `device`, `precision` and `max_tokens` that it names, and with `folder` where the
    user gives NAME=FOLDER. A set's identity holds seed, precision and cut only where the encoder names them.

    Args:
        pattern: its name, with placeholders for parameters (see :mod:`binbench.plugins.family`).
        dimension: of its vectors, where that is known beforehand; of a placeholder ``{dimension}`` the default values.
        rate: documents per second, roughly, on an A100; for estimates.
        embedding_model: False for what stands in for a trained model: a study shows its sets and rests nothing on them.
        published: a :class:`binbench.sets.weights.Published` that ``binbench weights`` gets, where there is one.
        version: raised when it makes other vectors; None for whenever its code changes.
        keywords: default values of each placeholder; further ones are passed to the plugin.
    """
    facts = {"rate": rate, "embedding_model": embedding_model, "version": version, "published": published}
    if dimension is None or isinstance(dimension, int):
        return ENCODERS.register(pattern, facts=facts | {"dimension": dimension}, **keywords)
    return ENCODERS.register(pattern, facts=facts, dimension=dimension, **keywords)


def listed(text: str) -> list[str]:
    """The parts of a comma-separated list of names.

    A comma inside braces separates nothing, and behind ``KIND:`` neither does one before a capital letter: names of
    plugins begin with small ones, so that ``faiss:IVF64,SQ4,pq32`` is two names.
    """
    parts: list[str] = []
    for part in (part.strip() for part in re.split(r",(?![^{]*})", text)):
        if parts and re.match(r"[A-Z]|{[A-Z]", part) and re.match(r"[a-z0-9-]+:[^@]*$", parts[-1]):
            parts[-1] += f",{part}"
        else:
            parts.append(part)
    return parts


def spelt_out(text: str) -> list[str]:
    """The parts of a comma-separated list, brace lists spelt out: ``int8@mrl{48,96},sign`` → three names."""
    found: list[str] = []
    for part in listed(text):
        brace = re.search(r"{([^{}]*)}", part)
        if brace is None:
            found.append(part)
            continue
        for choice in brace[1].split(","):
            found += spelt_out(part[: brace.start()] + choice.strip() + part[brace.end() :])
    return found


def load_file(path: Path) -> None:
    """Import the plugin file `path`, which the user named, once; it may register plugins of any kind.

    Raises:
        UserError: no such file, one that fails, or one that registers nothing.
    """
    path = path.resolve()
    if path in FILES:
        return
    if not path.is_file():
        raise UserError(f"plugin file {path} does not exist")
    for registry in REGISTRIES:
        registry.load()
    name = f"binbench_plugin_{path.stem}_{len(FILES)}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"plugin file {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    before = sum(len(registry.families()) for registry in REGISTRIES)
    try:
        with asked(f"plugin file {path}"):
            spec.loader.exec_module(module)
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"plugin file {path}: {error}") from error
    if sum(len(registry.families()) for registry in REGISTRIES) == before:
        raise UserError(
            f"plugin file {path} registers nothing; decorate a class with @binbench.register(...), or a function with "
            "@binbench.register_dataset(...)"
        )
    FILES.append(path)
