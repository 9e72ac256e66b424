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

from binbench.errors import UserError
from binbench.files import atomic, writing
from binbench.sets.encoders import Encoder

#: Texts per shard: what a kill can cost.
SHARD_TEXTS = 512
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
        digest = hashlib.sha256(json.dumps([self.kind, self.encoder.provenance], sort_keys=True).encode())
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
        for start in self.missing:
            texts = self.texts[start : start + SHARD_TEXTS]
            began = time.perf_counter()
            vectors = _encode_by_length(self.encoder, texts, self.kind, progress)
            seconds = time.perf_counter() - began
            if not np.isfinite(vectors).all():
                bad = start + int(np.argmin(np.isfinite(vectors).all(axis=1)))
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
        """The embeddings, shard by shard, in the texts' order."""
        for start in self._starts:
            yield np.load(self._shard(start))["vectors"]


def _encode_by_length(
    encoder: Encoder, texts: Sequence[str], kind: Literal["query", "document"], progress: Callable[[int], None]
) -> NDArray[np.float32]:
    """Encode in batches of similar length (padding is wasted work), back in the texts' order."""
    order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
    encoded: list[NDArray[np.float32]] = []
    for start in range(0, len(order), BATCH_TEXTS):
        batch = [texts[i] for i in order[start : start + BATCH_TEXTS]]
        encoded.append(encoder.encode(batch, kind))
        progress(len(batch))
    vectors = np.concatenate(encoded)
    result = np.empty_like(vectors)
    result[order] = vectors
    return result
