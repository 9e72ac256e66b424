"""The embedding sets behind results, opened when they are needed and missed quietly when they are not there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from binbench.errors import UserError
from binbench.sets.embeddings import EmbeddingSet

logger = logging.getLogger("binbench")


class Sets:
    """Embedding sets by name: those given, then those in a folder."""

    def __init__(self, data_dir: Path | None = None, opened: Mapping[str, EmbeddingSet] | None = None) -> None:
        self._data_dir = data_dir
        self._opened: dict[str, EmbeddingSet | None] = dict(opened or {})
        self._stamps: dict[str, str] = {}

    def get(self, name: str) -> EmbeddingSet | None:
        """The set called `name`, or None where it is absent or cannot be read."""
        if name not in self._opened:
            path = self._data_dir / f"{name}.hdf5" if self._data_dir else None
            self._opened[name] = None
            if path is not None and path.is_file():
                try:
                    self._opened[name] = EmbeddingSet.open(path)
                except UserError as error:
                    logger.warning("%s", error)
        return self._opened[name]

    def stamp(self, name: str) -> str:
        """What changes with the set's file, without opening it; empty where there is none."""
        if name not in self._stamps:
            known = self._opened.get(name)
            path = known.path if known else self._data_dir / f"{name}.hdf5" if self._data_dir else None
            try:
                found = path.stat() if path else None
            except OSError:
                found = None
            self._stamps[name] = f"{found.st_mtime_ns}:{found.st_size}" if found else ""
        return self._stamps[name]
