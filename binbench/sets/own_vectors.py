"""Vectors that the user has already, in files: documents, and queries of their own or drawn from the documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import path_of
from binbench.sets import Metric
from binbench.sets.corpus import VectorSource, set_name
from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.neighbors import DISTANCES
from binbench.sets.parquet_vectors import parquet_files
from binbench.sets.sources import Sizes, Source
from binbench.sets.vector_files import HDF5, Vectors, open_vectors


@dataclass(frozen=True)
class VectorOptions:
    """What goes with a file of document vectors.

    Attributes:
        queries: the file of query vectors.
        hold_out: draw so many documents as queries instead, and take them out of the base.
        metric: how documents are ranked; None for what the file says, or else by cosine.
        column: of Parquet or .safetensors.
    """

    queries: str | None = None
    hold_out: int | None = None
    metric: Metric | None = None
    column: str | None = None


@dataclass(frozen=True)
class VectorFile(Source):
    """A file or a folder of document vectors; see :mod:`binbench.sets.vector_files`."""

    vectors: VectorOptions = field(default_factory=VectorOptions)

    @property
    def needs_encoder(self) -> bool:
        return False

    @property
    def seeded(self) -> bool:
        return self.vectors.hold_out is not None

    @property
    def name(self) -> str:
        chosen = self.vectors
        parts = [self.path.name if self.path.is_dir() else self.path.stem, chosen.column, chosen.metric]
        parts += [f"holdout{chosen.hold_out}"] if chosen.hold_out else []
        return set_name("-".join(filter(None, parts)))

    @property
    def split(self) -> None:
        return None

    @property
    def _queries(self) -> Path | None:
        return path_of(self.vectors.queries) if self.vectors.queries else None

    def declared(self) -> Mapping[str, Any]:
        chosen = vars(self.vectors)
        return chosen | {"queries": str(self._queries.resolve()) if self._queries else None}

    def inputs(self) -> Mapping[str, Path | str]:
        files = parquet_files(self.path)
        found: dict[str, Path | str] = {file.name: file for file in files}
        if self.path.is_dir():
            found["shards"] = ", ".join(found)  # that one is gone shows here only
        return found | ({f"queries {self._queries.name}": self._queries} if self._queries else {})

    def finished(self) -> EmbeddingSet | None:
        """The set that the file itself is, where binbench made it and nothing else is asked of it.

        Raises:
            UserError: it is damaged, or ranks by another metric than is asked for.
        """
        if self.path.suffix not in HDF5 or self.vectors.queries or self.vectors.hold_out:
            return None
        found = EmbeddingSet.open(self.path)
        asked = DISTANCES[self.vectors.metric or "cosine"]
        if found.is_ours and self.vectors.metric and asked != found.distance:
            raise UserError(f"{self.path} is a finished set, ranked by {found.distance} distance; leave out --metric")
        return found if found.is_ours else None

    def _open(self) -> Vectors:
        return open_vectors(self.path, "train", self.vectors.column)

    def sizes(self) -> Sizes:
        try:
            held, documents = self.vectors.hold_out or 0, self._open()
            return Sizes(documents.count - held, held or None, documents.dimension)
        except UserError:
            return Sizes()

    def check(self) -> None:
        if not self.path.exists():
            raise UserError(f"{self.given} does not exist")

    def load(self) -> VectorSource:
        if self.vectors.queries and self.vectors.hold_out:
            raise UserError("--queries and --hold-out both say what the queries are; give one of them")
        if not self.vectors.queries and not self.vectors.hold_out and self.path.suffix not in HDF5:
            raise UserError(
                f"{self.given} needs its queries: --train {self.given} --queries FILE, "
                "or --hold-out 1000 to draw so many of its own vectors"
            )
        documents = self._open()
        distance = documents.ranked_by(self.vectors.metric)
        if self.vectors.hold_out:
            return self._held_out(documents, distance, self.vectors.hold_out)
        path = self._queries or self.path
        has_columns = path.is_dir() or path.suffix in (".parquet", ".safetensors")
        queries = open_vectors(path, "test", self.vectors.column if has_columns else None)
        test = np.concatenate(list(queries.blocks()))
        ids = _ids(documents), _ids(queries)
        origin = {"origin": self.path.name, "queries": path.name}
        return VectorSource(
            self.name, documents.count, documents.dimension, documents.blocks, test, distance, origin, ids
        )

    def _held_out(self, documents: Vectors, distance: str, count: int) -> VectorSource:
        """The documents without `count` of them, which are the queries."""
        if count >= documents.count:
            raise UserError(f"--hold-out {count} leaves no documents: {self.path} holds {documents.count:,} vectors")
        drawn = np.zeros(documents.count, dtype=bool)
        drawn[Generator(PCG64(self.options.seed)).choice(documents.count, count, replace=False)] = True

        def parts(held: bool) -> Iterator[NDArray[np.float32]]:
            row = 0
            for block in documents.blocks():
                yield block[drawn[row : row + len(block)] == held]
                row += len(block)

        ids = _ids(documents)
        train_ids, test_ids = (
            [name for name, is_drawn in zip(ids or (), drawn, strict=True) if is_drawn == held] if ids else None
            for held in (False, True)
        )
        return VectorSource(
            self.name,
            documents.count - count,
            documents.dimension,
            lambda: parts(held=False),
            np.concatenate(list(parts(held=True))),
            distance,
            {"origin": self.path.name, "held_out": count, "seed": self.options.seed},
            (train_ids, test_ids),
        )


def _ids(vectors: Vectors) -> list[str] | None:
    """What the rows are called.

    Raises:
        UserError: two are called alike.
    """
    if vectors.ids is None:
        return None
    found = vectors.ids()
    if len(set(found)) < len(found):
        [(most, times)] = Counter(found).most_common(1)
        raise UserError(f"{vectors.path}: the id {most!r} stands there {times} times")
    return found
