"""The codes of a set, computed anew: run as a process of its own, so that E2 can tell whether they come out alike."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import binbench
from binbench.codes.binarize import encode
from binbench.codes.packing import Words
from binbench.codes.projections import projection
from binbench.sets.embeddings import EmbeddingSet


def digests(path: Path, bits: Sequence[int], seed: int) -> dict[str, str]:
    """sha256 of the packed `binary` codes of the documents of the set at `path`, by number of bits."""
    train = EmbeddingSet.open(path).train
    return {str(count): digest(encode(train, projection("gaussian", train.shape[1], count, seed))) for count in bits}


def digest(codes: Words) -> str:
    """sha256 of packed codes."""
    return hashlib.sha256(codes.tobytes()).hexdigest()


def digests_elsewhere(path: Path, bits: Sequence[int], seed: int) -> dict[str, str]:
    """As :func:`digests`, from a second process; empty where that process fails."""
    paths = [str(Path(binbench.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    done = subprocess.run(
        [sys.executable, "-m", "binbench.study.recode", str(path.resolve()), str(seed), *map(str, bits)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout) if done.returncode == 0 else {}


if __name__ == "__main__":
    print(json.dumps(digests(Path(sys.argv[1]), [int(count) for count in sys.argv[3:]], int(sys.argv[2]))))
