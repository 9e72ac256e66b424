"""The codes of a set, computed anew in another process, so that E2 can tell whether they come out alike."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from binbench.codes.binarize import encode
from binbench.codes.packing import Words
from binbench.codes.projections import projection
from binbench.harness.served import served
from binbench.sets.embeddings import EmbeddingSet


@served
def digests(path: str | Path, bits: Sequence[int], seed: int) -> dict[str, str]:
    """sha256 of the packed `binary` codes of the documents of the set at `path`, by number of bits."""
    train = EmbeddingSet.open(Path(path)).train
    return {str(count): digest(encode(train, projection("gaussian", train.shape[1], count, seed))) for count in bits}


def digest(codes: Words) -> str:
    """sha256 of packed codes."""
    return hashlib.sha256(codes.tobytes()).hexdigest()


def digests_elsewhere(path: Path, bits: Sequence[int], seed: int) -> dict[str, str]:
    """As :func:`digests`, from an interpreter of its own; empty where that fails."""
    from binbench.harness.pool import ForkServer

    with ForkServer() as server:
        ending = server.ask(digests, {"path": str(path.resolve()), "bits": list(bits), "seed": seed})
    return ending.values[0] if ending.status == "ok" else {}
