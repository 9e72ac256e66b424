"""Nested random subsets of a set's documents: how methods fare as a corpus grows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.files import atomic, writing
from binbench.hdf5 import array, attributes_of, opened
from binbench.seal import sealed
from binbench.sets.embeddings import NEIGHBORS, EmbeddingSet
from binbench.sets.neighbors import block_rows, nearest

#: The one order that all subsets of a set begin: any two methods, seeds or runs are asked about the same documents.
SEED = 0


@dataclass(frozen=True)
class Subset:
    """The first `documents` of a set's documents in a random order that has the judged ones first.

    Subsets are nested, and each has its own exact neighbours. Vectors are not stored again, and documents keep the
    numbers that they have in the set.

    Attributes:
        embeddings: the set.
        documents: fewer than it has.
        folder: where the exact neighbours are kept.
    """

    embeddings: EmbeddingSet
    documents: int
    folder: Path

    @property
    def name(self) -> str:
        """Names, in the set, these documents: another number, order or choice of judged ones gives another name."""
        return sample_name(self.embeddings, self.documents)

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """(n,) ascending row numbers."""
        total, judged = len(self.embeddings.train), _judged(self.embeddings)
        rng = np.random.Generator(np.random.PCG64(SEED))
        first = rng.permutation(judged)
        if len(first) < self.documents:
            rest = np.setdiff1d(np.arange(total), judged, assume_unique=True)
            first = np.concatenate([first, rng.permutation(rest)])
        return np.sort(first[: self.documents])

    @cached_property
    def train(self) -> NDArray[np.float32]:
        """(n, d) float32, read-only: a copy in memory."""
        taken = self.embeddings.train[self.rows]
        taken.flags.writeable = False
        return taken

    @cached_property
    def qrels(self) -> NDArray[np.int32] | None:
        """Judgements of these documents; without queries that have lost all that is relevant to them."""
        judged = self.embeddings.qrels
        if judged is None:
            return None
        kept = judged[np.isin(judged[:, 1], self.rows)]
        lost = np.setdiff1d(judged[judged[:, 2] > 0, 0], kept[kept[:, 2] > 0, 0])
        return kept[~np.isin(kept[:, 0], lost)]

    @property
    def lost(self) -> str:
        """A remark on judgements that are of other documents; empty where there are none such."""
        ours, all_of_them = self.qrels, self.embeddings.qrels
        if ours is None or all_of_them is None or len(ours) == len(all_of_them):
            return ""
        return f"{len(ours):,} of {len(all_of_them):,} judgements are of the {self.documents:,} documents"

    @cached_property
    def truth(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """(Q, K) rows of the exact nearest among these documents, best first, and their distances; computed once."""
        path, key = self.folder / f".documents={self.documents}.hdf5", f"{self.embeddings.fingerprint}:{self.name}"
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            wanted = min(NEIGHBORS, self.documents)
            if path.is_file():
                # What cannot be read is computed again.
                with suppress(UserError), opened(path, "") as file:
                    stored = [array(file, name, (None, wanted)) for name in ("neighbors", "distances")]
                    if attributes_of(file).get("key") == key and stored[0] is not None and stored[1] is not None:
                        return stored[0], stored[1]
            ids, distances = nearest(self._blocks(), self.embeddings.test, wanted, self.embeddings.distance)
            ids = self.rows[ids].astype(np.int32)
            with atomic(path) as temporary, sealed(temporary) as file:
                file.attrs["key"] = key
                file["neighbors"], file["distances"] = ids, distances
        return ids, distances

    def _blocks(self) -> Iterator[NDArray[np.float32]]:
        step = block_rows(self.embeddings.train.shape[1])
        for start in range(0, self.documents, step):
            yield self.embeddings.train[self.rows[start : start + step]]


def sample_name(embeddings: EmbeddingSet, documents: int) -> str:
    """The name of a subset of so many documents, without drawing it."""
    drawn_from = f"{SEED}:{documents}:{len(embeddings.train)}:".encode() + _judged(embeddings).tobytes()
    return hashlib.sha256(drawn_from).hexdigest()[:16]


def _judged(embeddings: EmbeddingSet) -> NDArray[np.int64]:
    qrels = embeddings.qrels
    return np.empty(0, np.int64) if qrels is None else np.unique(qrels[:, 1]).astype(np.int64)
