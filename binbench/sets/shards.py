"""Encoding a collection into shards on disk, so that a killed run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from binbench.cluster import current
from binbench.errors import UserError
from binbench.files import atomic, writing
from binbench.sets.encoders import Encoder, Kind, vectors_of

#: Texts per shard: what a kill can cost.
SHARD_TEXTS = 512
#: Texts that are sorted by length together, because padding is wasted work; a multiple of the shards' size.
WINDOW_TEXTS = 16 * SHARD_TEXTS
#: Texts per forward pass.
BATCH_TEXTS = 32


@dataclass
class ShardedEncoding:
    """The embeddings of a sequence of texts, in shards under `folder`.

    The folder belongs to one sequence of texts under one encoder; shards of any other are thrown away.
    """

    folder: Path
    encoder: Encoder
    texts: Sequence[str]
    kind: Literal["query", "document"]

    def __post_init__(self) -> None:
        digest = hashlib.sha256(json.dumps([self.kind, WINDOW_TEXTS, self.encoder.provenance], sort_keys=True).encode())
        for text in self.texts:
            digest.update(text.encode() + b"\0")
        key = digest.hexdigest()
        manifest = self.folder / "manifest.json"
        with writing(self.folder):
            if not manifest.is_file() or json.loads(manifest.read_text()).get("key") != key:
                shutil.rmtree(self.folder, ignore_errors=True)
                with atomic(manifest) as temporary:
                    temporary.write_text(json.dumps({"key": key}))

    @property
    def _starts(self) -> range:
        return range(0, len(self.texts), SHARD_TEXTS)

    def _shard(self, start: int) -> Path:
        return self.folder / f"{start:010d}.npz"

    def _rows(self, start: int) -> NDArray[np.intp]:
        """Rows of a shard's texts: a window's texts go into its shards from the longest to the shortest."""
        window = start - start % WINDOW_TEXTS
        lengths = np.array([len(text) for text in self.texts[window : window + WINDOW_TEXTS]])
        order = window + np.argsort(-lengths, kind="stable")
        return order[start - window : start - window + SHARD_TEXTS]

    @property
    def missing(self) -> list[int]:
        """First text of every shard still to be encoded."""
        return [start for start in self._starts if not self._shard(start).is_file()]

    @property
    def remaining(self) -> int:
        """Texts still to be encoded."""
        return sum(min(len(self.texts) - start, SHARD_TEXTS) for start in self.missing)

    def run(self, progress: Callable[[int], None]) -> None:
        """Encode what is missing; `progress` is told the number of texts as they are done."""
        for start, vectors, seconds in self._encoded(progress):
            rows = self._rows(start)
            if not np.isfinite(vectors).all():
                bad = rows[np.isfinite(vectors).all(axis=1).argmin()]
                raise UserError(
                    f"{self.encoder.name} made NaN or infinite values of {self.kind} {bad}; "
                    "try --precision fp32, or look at that text"
                )
            with atomic(self._shard(start)) as temporary, open(temporary, "wb") as file:
                np.savez(file, vectors=vectors, seconds=seconds)

    def seconds(self) -> float:
        """Time spent encoding, earlier runs included."""
        return sum(float(np.load(self._shard(start))["seconds"]) for start in self._starts)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The embeddings, window by window, in the texts' order."""
        for first in range(0, len(self.texts), WINDOW_TEXTS):
            starts = [start for start in self._starts if first <= start < first + WINDOW_TEXTS]
            vectors = np.concatenate([np.load(self._shard(start))["vectors"] for start in starts])
            window = np.empty_like(vectors)
            window[np.concatenate([self._rows(start) for start in starts]) - first] = vectors
            yield window

    def _encoded(self, progress: Callable[[int], None]) -> Iterator[tuple[int, NDArray[np.float32], float]]:
        """First text, vectors and seconds of every shard that is missing, from here or from a cluster."""
        missing = self.missing
        shards = ([self.texts[row] for row in self._rows(start)] for start in missing)
        # What an encoder has learned from the collection stays here.
        if (cluster := current()) and not self.encoder.learns:
            from binbench.sets.elsewhere import encoded_on

            for number, (vectors, seconds) in encoded_on(cluster, self.encoder, shards, self.kind):
                progress(len(vectors))
                yield missing[number], vectors, seconds
            return
        for start, texts in zip(missing, shards, strict=True):
            began = time.perf_counter()
            vectors = encode_batches(self.encoder, texts, self.kind, progress)
            yield start, vectors, time.perf_counter() - began


def encode_batches(
    encoder: Encoder, texts: Sequence[str], kind: Kind, progress: Callable[[int], None]
) -> NDArray[np.float32]:
    """The vectors of `texts`, encoded a batch at a time; `progress` is told the number of texts as they are done."""
    encoded: list[NDArray[np.float32]] = []
    for start in range(0, len(texts), BATCH_TEXTS):
        batch = texts[start : start + BATCH_TEXTS]
        encoded.append(vectors_of(encoder, batch, kind))
        if (dimension := encoded[-1].shape[1]) != encoded[0].shape[1]:
            raise UserError(
                f"encoder {encoder.name} gives rows of {encoded[0].shape[1]} numbers, and then of {dimension}"
            )
        progress(len(batch))
    return np.concatenate(encoded)
