"""Files of vectors: ann-benchmarks' HDF5 files and pairs of .npy files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.sets.corpus import VectorSource, set_name
from binbench.sets.embeddings import BLOCK_ROWS, EmbeddingSet


def from_hdf5(path: Path) -> VectorSource:
    """The vectors of an HDF5 file in ann-benchmarks' layout; its own neighbours are left aside.

    Raises:
        UserError: the file is not there or is not of that layout, or its distance is not supported.
    """
    foreign = EmbeddingSet.open(path)
    if foreign.distance not in ("angular", "euclidean"):
        raise UserError(f"{path}: distance {foreign.distance!r} is not supported; angular and euclidean are")
    return _source(path, foreign.train, foreign.test, foreign.distance)


def from_npy(path: Path, queries: Path) -> VectorSource:
    """Document vectors and query vectors of two .npy files, each 2-D and of floats; ranked by angle.

    Raises:
        UserError: a file is not there, not readable, or holds something else.
    """
    return _source(path, _load(path), _load(queries), "angular")


def _source(path: Path, train: NDArray[Any], test: NDArray[Any], distance: str) -> VectorSource:
    def blocks() -> Iterator[NDArray[np.float32]]:
        for start in range(0, len(train), BLOCK_ROWS):
            yield np.asarray(train[start : start + BLOCK_ROWS], dtype=np.float32)

    queries = np.asarray(test, dtype=np.float32)
    name, origin = set_name(path.stem), {"origin": path.name}
    return VectorSource(name, len(train), train.shape[1], blocks, queries, distance, origin)


def _load(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise UserError(f"{path} does not exist")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UserError(f"{path} is not a readable .npy file: {str(error).partition(chr(10))[0]}") from error
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
        raise UserError(
            f"{path} must hold a 2-D array of floats, one vector a row; it holds {array.dtype} {array.shape}"
        )
    if not len(array):
        raise UserError(f"{path} is empty: it holds no vectors")
    return array
