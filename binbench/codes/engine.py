"""The engine as one object, usable without the harness."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.codes import hamming
from binbench.codes.batches import BinaryCodeBatch, FloatEmbeddingBatch
from binbench.codes.binarize import check_threshold, encode, learn_thresholds
from binbench.codes.hamming import Distances, Rows
from binbench.codes.packing import words_per_row
from binbench.codes.projections import PROJECTIONS, Projection, projection
from binbench.errors import UserError, unknown
from binbench.files import atomic

#: Raised whenever the meaning of a saved engine's members changes.
SCHEMA_VERSION = 1

Embeddings = NDArray[Any] | FloatEmbeddingBatch


class BinaryEmbeddingEngine:
    """Binary codes of embeddings, and their exact Hamming search.

    Embeddings are (N, d) arrays of finite real numbers, of unit length for distances to estimate angles, or a
    :class:`FloatEmbeddingBatch`. All is computed in float64, so equal values give equal codes whatever their type and
    strides.

    Args:
        bits: bits per code.
        projection: ``gaussian``, ``orthonormal`` or ``identity``, see :mod:`binbench.codes.projections`.
        threshold: ``zero``, or the ``mean`` or ``median`` of each projected coordinate over the documents of `fit`.
        seed: of the projection.

    Raises:
        UserError: an argument is none of these.

    >>> import numpy as np
    >>> from binbench.codes import BinaryEmbeddingEngine
    >>> angles = np.radians([0, 10, 45, 90, 180])
    >>> documents = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    >>> engine = BinaryEmbeddingEngine(bits=256, seed=0).fit(documents)
    >>> engine.encode(documents).packed.shape
    (5, 4)
    >>> rows, distances = engine.search(documents[:1], k=3)
    >>> rows
    array([[0, 1, 2]])
    >>> distances / 256 * 180  # degrees, estimated
    array([[ 0.      ,  7.03125 , 45.703125]])
    """

    projection_: Projection
    thresholds_: NDArray[np.float64] | None
    codes_: BinaryCodeBatch

    def __init__(self, bits: int = 256, projection: str = "gaussian", threshold: str = "zero", seed: int = 0) -> None:
        words_per_row(bits)
        if projection not in PROJECTIONS:
            raise unknown("projection", projection, PROJECTIONS, f"; there are {', '.join(PROJECTIONS)}")
        check_threshold(threshold)
        self.bits = bits
        self.projection = projection
        self.threshold = threshold
        self.seed = seed

    def fit(self, documents: Embeddings) -> BinaryEmbeddingEngine:
        """Learn the thresholds from `documents` and keep their codes to be searched; returns the engine.

        Raises:
            UserError: `documents` is not a 2-D array of finite real numbers, or the identity is asked for more bits
                than it has columns.
        """
        values = _values(documents)
        self.projection_ = projection(self.projection, values.shape[1], self.bits, self.seed)
        self.thresholds_ = learn_thresholds(self.threshold, values, self.projection_)
        self.codes_ = self.encode(documents)
        return self

    def encode(self, embeddings: Embeddings) -> BinaryCodeBatch:
        """The codes of `embeddings`, with their ids.

        Raises:
            UserError: the engine is not fitted, or `embeddings` are not finite or of another dimension.
        """
        self._check_fitted()
        packed = encode(_values(embeddings), self.projection_, self.thresholds_)
        packed.flags.writeable = False
        ids = embeddings.ids if isinstance(embeddings, FloatEmbeddingBatch) else None
        return BinaryCodeBatch(packed, self.bits, ids)

    def search(self, queries: Embeddings, k: int) -> tuple[Rows, Distances]:
        """The `k` documents nearest to each query by (Hamming distance, row), see :func:`binbench.codes.hamming.knn`.

        Returns:
            rows (Q, k) int64 and distances (Q, k) int32, nearest first, padded with -1 and bits + 1 where k > N.
        """
        self._check_fitted()
        packed = encode(_values(queries), self.projection_, self.thresholds_)
        return hamming.knn_unchecked(packed, self.codes_.packed, self.bits, k)

    def tied(self, queries: Embeddings, k: int) -> tuple[Rows, Distances, Rows]:
        """Every document at most as far as the `k`-th nearest, see :func:`binbench.codes.hamming.tied`."""
        return hamming.tied(self.encode(queries).packed, self.codes_.packed, self.bits, k)

    def save(self, path: str | Path) -> None:
        """Write the fitted engine to `path`, an npz file without pickles; ids must be strings or integers.

        The file holds the projection itself, so that it outlives changes of numpy's generators.

        Raises:
            UserError: the engine is not fitted, its ids are something else, or the file cannot be written.
        """
        self._check_fitted()
        ids = self.codes_.ids
        if ids is not None and not all(isinstance(i, str) for i in ids) and not all(type(i) is int for i in ids):
            raise UserError("ids: expected all strings or all integers, to be saved; got something else")
        about = {
            "schema_version": SCHEMA_VERSION,
            "bits": self.bits,
            "projection": self.projection,
            "threshold": self.threshold,
            "seed": self.seed,
            "dimension": self.projection_.dimension,
            "ids": None if ids is None else list(ids),
        }
        members: dict[str, NDArray[Any]] = {"codes": self.codes_.packed}
        if self.projection_.matrix is not None:
            members["matrix"] = self.projection_.matrix
        if self.thresholds_ is not None:
            members["thresholds"] = self.thresholds_
        with atomic(Path(path)) as temporary, open(temporary, "wb") as file:
            np.savez(file, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **members)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: str | Path) -> BinaryEmbeddingEngine:
        """Read what :meth:`save` wrote.

        Raises:
            UserError: the file is missing, damaged, no saved engine, or of another schema version.
        """
        try:
            members = _members(Path(path))
            about = json.loads(members["about"].tobytes())
            version = about["schema_version"]
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"{path}: not a saved BinaryEmbeddingEngine, or damaged ({error})") from error
        if version != SCHEMA_VERSION:
            raise UserError(f"{path}: expected schema version {SCHEMA_VERSION}, got {version}; save it anew")
        try:
            engine = cls(about["bits"], about["projection"], about["threshold"], about["seed"])
            dimension, bits = about["dimension"], about["bits"]
            matrix = _shaped(members.get("matrix"), (dimension, bits))
            if (matrix is None) != (engine.projection == "identity"):
                raise ValueError("matrix and projection")
            engine.projection_ = Projection(engine.projection, dimension, bits, matrix)
            engine.thresholds_ = _shaped(members.get("thresholds"), (bits,))
            if (engine.thresholds_ is None) != (engine.threshold == "zero"):
                raise ValueError("thresholds and threshold")
            engine.codes_ = BinaryCodeBatch(members["codes"], bits, about["ids"])
        except (KeyError, ValueError, TypeError, UserError) as error:
            raise UserError(f"{path}: its members contradict each other ({error}); save it anew") from error
        return engine

    def _check_fitted(self) -> None:
        if not hasattr(self, "projection_"):
            raise UserError("the engine is not fitted; call fit(documents) first")


def _values(embeddings: Embeddings) -> NDArray[Any]:
    if isinstance(embeddings, FloatEmbeddingBatch):
        return embeddings.values
    if not isinstance(embeddings, np.ndarray) or embeddings.ndim != 2:
        got = f"{embeddings.ndim}-D" if isinstance(embeddings, np.ndarray) else type(embeddings).__name__
        raise UserError(f"embeddings: expected a 2-D numpy array or a FloatEmbeddingBatch, got {got}")
    return embeddings


def _members(path: Path) -> dict[str, NDArray[Any]]:
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("a single array")
        with file:
            return {name: file[name] for name in file.files}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (EOFError, zipfile.BadZipFile) as error:
        raise ValueError(str(error)) from error


def _shaped(array: NDArray[Any] | None, shape: tuple[int, ...]) -> NDArray[np.float64] | None:
    if array is not None:
        if array.shape != shape or array.dtype != np.float64:
            raise ValueError(f"expected {shape} float64, got {array.shape} {array.dtype}")
        array.flags.writeable = False
    return array
