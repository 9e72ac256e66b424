"""Where a set's documents and queries come from: registered datasets, folders in BEIR's layout, files of vectors."""

from __future__ import annotations

import inspect
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from binbench.errors import UserError, unknown
from binbench.files import path_of
from binbench.plugins.declared import asked
from binbench.plugins.registry import DATASETS, Instance
from binbench.sets.beir_layout import beir_folder, beir_folders, beir_inputs, load_beir
from binbench.sets.corpus import Collection, SourceOptions, VectorSource, set_name
from binbench.sets.vector_files import ENDINGS, holds_vectors

if TYPE_CHECKING:
    from binbench.sets.own_vectors import VectorOptions


class Sizes(NamedTuple):
    """What is known of a source's size before it is loaded; None for what is not."""

    documents: int | None = None
    queries: int | None = None
    dimension: int | None = None


@dataclass(frozen=True)
class Source(ABC):
    """A source as the user names it, and what it says of itself before it is loaded.

    Attributes:
        given: what the user wrote.
        options: split, seed and folders.
    """

    given: str
    options: SourceOptions

    @property
    def needs_encoder(self) -> bool:
        """Whether it gives texts."""
        return True

    @property
    def seeded(self) -> bool:
        """Whether anything depends on the seed."""
        return False

    @property
    def labels(self) -> Callable[[str], str] | None:
        """The class of a document by its id; None where there are no classes."""
        return None

    @property
    @abstractmethod
    def name(self) -> str:
        """How the names of its sets begin; without ``_``."""

    @property
    def location(self) -> str:
        """What tells two sources of one name apart: a path in full, or a registered name."""
        return str(self.path.resolve())

    @property
    def path(self) -> Path:
        """The file or folder that the user named."""
        return path_of(self.given)

    @property
    def split(self) -> str | None:
        """The split asked for, where a source may have several."""
        return self.options.split

    def declared(self) -> Mapping[str, Any]:
        """What sets are told apart by beside location, split and seed."""
        return {}

    def identity(self) -> dict[str, Any]:
        """Everything that vectors or texts from here depend on, as JSON values."""
        known: dict[str, Any] = {"name": self.location, "split": self.split, **self.declared()}
        if self.seeded:
            known["seed"] = self.options.seed
        return {key: value for key, value in known.items() if value is not None}

    def inputs(self) -> Mapping[str, Path | str]:
        """What is read, by the label that people see: files, or as text the version of what reads them.

        A set is made anew when the content of one changes.
        """
        return {self.path.name: self.path}

    def sizes(self) -> Sizes:
        """Documents, queries and dimension, as far as they are known without loading anything large."""
        return Sizes()

    @abstractmethod
    def check(self) -> None:
        """See, without loading anything, whether it is there.

        Raises:
            UserError: it is not; of a name, the nearest known ones are suggested.
        """

    @abstractmethod
    def load(self) -> Collection | VectorSource:
        """Load it.

        Raises:
            UserError: it is not there, or cannot be loaded.
        """


class Registered(Source):
    """A dataset plugin."""

    @cached_property
    def instance(self) -> Instance:
        """The plugin with its parameters."""
        return DATASETS.get(self.given)

    @property
    def name(self) -> str:
        return set_name(self.given)

    @property
    def location(self) -> str:
        return self.given

    @cached_property
    def needs_encoder(self) -> bool:
        declared = self._fact("needs_encoder")
        annotated = inspect.signature(self.instance.family.plugin).return_annotation
        text = annotated if isinstance(annotated, str) else getattr(annotated, "__qualname__", "")
        if declared is None and (found := re.fullmatch(r"(?:[\w.]+\.)?(Collection|VectorSource)", text)):
            declared = found[1] == "Collection"
        return isinstance(self.load(), Collection) if declared is None else declared

    @property
    def seeded(self) -> bool:
        # Where a plugin does not say, a set too many is better than a wrong one.
        return self._fact("seeded") is not False

    @property
    def labels(self) -> Callable[[str], str] | None:
        return self._fact("labels")

    def declared(self) -> Mapping[str, Any]:
        return self._told("identity") or {}

    def inputs(self) -> Mapping[str, Path | str]:
        read = self._told("inputs") or {}
        return {f"dataset {self.instance.family.name}": self.instance.family.version, **read}

    def sizes(self) -> Sizes:
        return Sizes(*self._told("sizes") or ())

    def check(self) -> None:
        """A registered name is there."""

    def load(self) -> Collection | VectorSource:
        with asked(self.instance.family.where):
            source = self.instance.create(options=self.options)
        if not isinstance(source, Collection | VectorSource):
            raise UserError(
                f"dataset plugin {self.instance.family.source}: returns neither a Collection nor a VectorSource"
            )
        return source

    def _fact(self, name: str) -> Any:
        return self.instance.family.facts.get(name)

    def _told(self, name: str) -> Any:
        """What the function that was declared as `name` gives; None without one."""
        with asked(f"{self.instance.family.where}: {name}"):
            return (declared := self._fact(name)) and declared(self.options, **self.instance.parameters)


class Folder(Source):
    """A collection in BEIR's layout: one of `options.beir_dir` by its name, or any folder by its path."""

    @property
    def name(self) -> str:
        return set_name(Path(os.path.abspath(self.path)).name)

    @property
    def location(self) -> str:
        return str(self.path.resolve()) if self._is_path and not self._beside else self.given

    @property
    def _is_path(self) -> bool:
        return os.sep in self.given or (self.path / "corpus.jsonl").is_file()

    @property
    def _beside(self) -> Path | None:
        """The folder of that name in `options.beir_dir`."""
        folders = beir_folders(self.options)
        return next((folder for folder in folders if self.given in (folder.name, set_name(folder.name))), None)

    def inputs(self) -> Mapping[str, Path | str]:
        return beir_inputs(self._found(), self.split)

    def sizes(self) -> Sizes:
        try:
            folder = self._found()
            with open(folder / "qrels" / f"{self.split or 'test'}.tsv", encoding="utf-8") as file:
                judged = {line.split("\t")[0] for line in file}
            with open(folder / "corpus.jsonl", "rb") as lines:
                return Sizes(sum(1 for _ in lines), max(0, len(judged) - 1))
        except (UserError, OSError):
            return Sizes()

    def check(self) -> None:
        if not (folder := self._found()).is_dir():
            raise UserError(f"the collection's folder {folder} does not exist")

    def load(self) -> Collection:
        folder = self._found()
        return load_beir(folder, folder.resolve().name, self.split)

    def _found(self) -> Path:
        beir_folder("", self.options)
        if folder := self._beside or (self.path if self._is_path else None):
            return folder
        known = [instance.name for instance in DATASETS.resolve(["all"])]
        hint = "; see `binbench list datasets`, or give the path of a folder that holds corpus.jsonl"
        hint += ", or with --beir-dir that of all unpacked collections"
        raise unknown("dataset", self.given, [*known, *(f.name for f in beir_folders(self.options))], hint)


def find_source(given: str, options: SourceOptions, vectors: VectorOptions | None = None) -> Source:
    """The source that the user means by `given`: a file of vectors, a registered dataset, or else a folder.

    It need not exist, see :meth:`Source.check`. `vectors` goes with files of vectors.

    Raises:
        UserError: `vectors` ask something of a source that is none.
    """
    from binbench.sets.own_vectors import VectorFile, VectorOptions

    asked = vectors or VectorOptions()
    is_registered = DATASETS.find(given) is not None
    if given.endswith(ENDINGS) or (not is_registered and holds_vectors(given)):
        return VectorFile(given, options, asked)
    for name, value in vars(asked).items():
        if value is not None:
            raise UserError(f"--{name.replace('_', '-')} {value} is for files of vectors; {given} is none")
    return Registered(given, options) if is_registered else Folder(given, options)
