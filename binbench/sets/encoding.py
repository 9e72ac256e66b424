"""The vectors of a collection's texts: those that an earlier set holds, and the others encoded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.sets.embeddings import EmbeddingSet
from binbench.sets.encoders import Encoder, Kind, at_unit_length
from binbench.sets.shards import SHARD_TEXTS, ShardedEncoding

_KEY_BYTES = 16


def encoder_key(encoder: Encoder, inputs: Mapping[str, str], documents: Sequence[str]) -> str:
    """A hash of everything that the vector of a text depends on beside the text.

    Args:
        encoder: the encoder; what it ran on does not count.
        inputs: what it was made from.
        documents: what it was fitted on, if it learns.
    """
    told = {key: value for key, value in encoder.provenance.items() if key not in ("device", "device_name")}
    digest = hashlib.sha256(json.dumps([told, inputs], sort_keys=True).encode())
    if encoder.learns:
        digest.update(text_keys(documents).tobytes())
    return digest.hexdigest()


def text_keys(texts: Sequence[str]) -> NDArray[np.bytes_]:
    """(n,) hashes of 16 bytes."""
    keys = [hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).digest() for text in texts]
    return np.array(keys, dtype=f"S{_KEY_BYTES}")


@dataclass
class Encoding:
    """The vectors of `texts`, in order.

    Attributes:
        keys: of the texts, see :func:`text_keys`.
        known: vectors of an earlier set.
        rows: of `known`, for each text; -1 where it has none.
        shards: the texts that are to be encoded.
    """

    keys: NDArray[np.bytes_]
    known: NDArray[np.float32]
    rows: NDArray[np.int64]
    shards: ShardedEncoding

    @classmethod
    def of(
        cls, texts: Sequence[str], kind: Kind, encoder: Encoder, folder: Path, key: str, earlier: EmbeddingSet | None
    ) -> Encoding:
        """Texts to be encoded into shards below `folder`, but for those that `earlier`, if it has that `key`, holds."""
        keys, member = text_keys(texts), "train" if kind == "document" else "test"
        stored = earlier.keys(member) if earlier and earlier.attributes.get("encoder_key") == key else None
        if earlier is None or stored is None:
            known, rows = np.empty((0, 0), np.float32), np.full(len(keys), -1, np.int64)
        else:
            known, order = getattr(earlier, member), np.argsort(stored)
            places = order[np.minimum(np.searchsorted(stored, keys, sorter=order), len(order) - 1)]
            rows = np.where(stored[places] == keys, places, -1)
        missing = [texts[int(row)] for row in np.flatnonzero(rows < 0)]
        return cls(keys, known, rows, ShardedEncoding(folder, encoder, missing, kind))

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """The vectors at unit length, some hundred rows at a time; known ones bit for bit."""
        fresh = chain.from_iterable(map(at_unit_length, self.shards.blocks()))
        for start in range(0, len(self.rows), SHARD_TEXTS):
            rows = self.rows[start : start + SHARD_TEXTS]
            yield np.stack([self.known[row] if row >= 0 else next(fresh) for row in rows])

    def seconds(self, earlier: Any) -> float:
        """Time spent encoding all of them; for the known ones their share of the `earlier` time is taken."""
        share = (self.rows >= 0).sum() / max(len(self.known), 1)
        return float(share * float(earlier or 0)) + self.shards.seconds()
