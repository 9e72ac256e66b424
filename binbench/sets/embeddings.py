"""Embedding sets: HDF5 files in ann-benchmarks' layout, with ids, judgements and provenance added."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.cluster import current
from binbench.errors import UserError
from binbench.files import atomic, require_space
from binbench.hdf5 import array, look
from binbench.provenance import machine
from binbench.seal import check_array, sealed
from binbench.sets import layout
from binbench.sets.layout import NEIGHBORS, reading

if TYPE_CHECKING:
    import h5py

#: Base rows handled at a time wherever a set is streamed.
BLOCK_ROWS = 16384


@dataclass(frozen=True)
class EmbeddingSet:
    """An embedding set on disk, opened for reading; `train` is mapped, not loaded.

    Attributes:
        path: the HDF5 file.
        attributes: its root attributes; what is stored as JSON decoded.
    """

    path: Path
    attributes: dict[str, Any] = field(repr=False)

    @classmethod
    def open(cls, path: Path) -> EmbeddingSet:
        """Open the set at `path`.

        Raises:
            UserError: no such file, or not (or no longer) an embedding set.
        """
        if not path.is_file():
            raise UserError(f"embedding set {path} does not exist; `binbench prepare` makes one")
        with reading(path) as file:
            found = layout.attributes(path, file)
            layout.lengths(path, file, "schema_version" in found)
        return cls(path, found)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem

    @property
    def distance(self) -> str:
        """``angular``, ``euclidean`` or ``ip``, see :mod:`binbench.sets.neighbors`."""
        return str(self.attributes.get("distance", "angular"))

    @property
    def is_ours(self) -> bool:
        """Whether binbench wrote the file (and so normalized and checked it), rather than another tool."""
        return "schema_version" in self.attributes

    @property
    def fingerprint(self) -> str:
        """One hash that changes with any vector, base or query."""
        both = f"{self.attributes.get('sha256_train')}{self.attributes.get('sha256_test')}"
        return hashlib.sha256(both.encode()).hexdigest()[:16]

    @cached_property
    def train(self) -> NDArray[np.float32]:
        """(N, d) float32, read-only; mapped where the file stores it contiguously."""
        return self._mapped("train")

    @cached_property
    def test(self) -> NDArray[np.float32]:
        """(Q, d) float32, read-only; mapped like `train`."""
        return self._mapped("test")

    @cached_property
    def neighbors(self) -> NDArray[np.int32]:
        """(Q, 100) int32: exact nearest rows of `train`, best first."""
        with reading(self.path) as file:
            found = array(file, "neighbors", (None, None), "iu")
            assert found is not None
            layout.check_rows("neighbors", found, len(self.train))
        return _frozen(found.astype(np.int32, copy=False))

    @cached_property
    def distances(self) -> NDArray[np.float32]:
        """(Q, 100) float32: their distances, ascending."""
        with reading(self.path) as file:
            found = array(file, "distances", (None, None), "f")
            assert found is not None
            layout.check_distances(self, found)
        return _frozen(found.astype(np.float32, copy=False))

    @cached_property
    def qrels(self) -> NDArray[np.int32] | None:
        """(n, 3) int32 query row, document row, grade; None for sets without judgements."""
        with reading(self.path) as file:
            found = array(file, "qrels", (None, 3), "iu")
            if found is None or not len(found):
                return None
            for column, rows in enumerate((self.test, self.train)):
                layout.check_rows("qrels", found[:, column], len(rows))
        return _frozen(found.astype(np.int32, copy=False))

    @cached_property
    def train_ids(self) -> list[str] | None:
        """Document ids, or None."""
        return self._strings("train_ids")

    @property
    def ids(self) -> list[str] | None:
        """Document ids by row of `train`, or None: `train_ids` in short."""
        return self.train_ids

    @cached_property
    def test_ids(self) -> list[str] | None:
        """Query ids, or None."""
        return self._strings("test_ids")

    def check(self) -> None:
        """See that all that results are judged by can be read and is sound.

        Raises:
            UserError: something is damaged.
        """
        _ = self.neighbors, self.distances, self.qrels is None or (self.train_ids, self.test_ids)

    def check_vectors(self) -> None:
        """See that all vectors are those that were written; that takes a second for each 2 GB.

        Raises:
            UserError: they are not.
        """
        with reading(self.path):
            for name in ("train", "test"):
                check_array(self.path, name, getattr(self, name))

    def keys(self, member: str) -> NDArray[np.bytes_] | None:
        """Hashes of the texts behind the rows of ``train`` or ``test``, see :mod:`binbench.sets.encoding`; or None."""
        with reading(self.path) as file:
            return array(file, f"{member}_keys", (None,), "S")

    def _mapped(self, name: str) -> NDArray[np.float32]:
        with reading(self.path) as file:
            found = look(file, name, (None, None), "iuf")
            assert found is not None
            offset = found.get_offset()
            if offset is not None and found.dtype == np.float32:
                # A plain array over the map: what plugins get has no surprises, and cannot be made writeable.
                return np.asarray(np.memmap(self.path, np.float32, "r", offset, found.shape))
            return _frozen(file[name][:].astype(np.float32))

    def _strings(self, name: str) -> list[str] | None:
        with reading(self.path) as file:
            found = array(file, name, (None,), "OS")
            return None if found is None else [value.decode() for value in found]


def write_set(
    path: Path,
    shape: tuple[int, int],
    blocks: Iterable[NDArray[np.float32]],
    test: NDArray[np.float32],
    attributes: dict[str, Any],
    *,
    ids: tuple[list[str] | None, list[str] | None] | None = None,
    keys: tuple[NDArray[np.bytes_], NDArray[np.bytes_]] | None = None,
    qrels: NDArray[np.int32] | None = None,
    progress: Callable[[int], None] | None = None,
) -> EmbeddingSet:
    """Write an embedding set with its exact ground truth, whole or not at all.

    Args:
        path: where to.
        shape: (N, d) of the base vectors.
        blocks: the base vectors in row order; unit rows for angular sets.
        test: (Q, d) float32 queries.
        attributes: root attributes; must hold `distance`. Dicts and lists are stored as JSON.
        ids: document and query ids, either None where there are none.
        keys: hashes of documents' and queries' texts.
        qrels: (n, 3) int32 query row, document row, grade.
        progress: told the number of base rows as they are written, and again as they are searched.

    Raises:
        UserError: a vector that is zero, NaN or infinite, dimensions that differ, or a disk that refuses.
    """
    import h5py

    from binbench.sets.elsewhere import nearest_on
    from binbench.sets.neighbors import nearest

    tell = progress or (lambda rows: None)
    if test.ndim != 2 or test.shape[1] != shape[1]:
        raise UserError(f"{path.stem}: the documents have dimension {shape[1]}, the queries {test.shape[-1]}")
    zeros_allowed = attributes["distance"] != "angular"
    check_vectors(test, f"{path.stem}: query", zeros_allowed=zeros_allowed)
    require_space(path.parent, 4 * shape[0] * shape[1], f"write {path}")
    with atomic(path) as temporary, sealed(temporary) as file:
        train = file.create_dataset("train", shape, np.float32)
        row = 0
        digest = hashlib.sha256()
        copied: set[bytes] = set()
        for block in blocks:
            if block.shape[1:] != shape[1:]:
                told = f"dimension {block.shape[-1]} from row {row:,} on, the queries {shape[1]}"
                raise UserError(f"{path.stem}: the documents have {told}")
            check_vectors(block, f"{path.stem}: document", row, zeros_allowed)
            if row + len(block) <= shape[0]:
                train[row : row + len(block)] = block
            digest.update(block.astype("<f4").tobytes())
            copied |= _copies(block, test)
            row += len(block)
            tell(len(block))
        if row != shape[0]:
            raise UserError(f"{path.stem}: the source declares {shape[0]:,} documents and gives {row:,}")
        file.create_dataset("test", data=test.astype(np.float32))
        for name, names in zip(("train_ids", "test_ids"), ids or (None, None), strict=True):
            if names is not None:
                texts = h5py.string_dtype("utf-8")
                file.create_dataset(name, data=np.array(names, dtype=object), dtype=texts)
        for name, hashes in zip(("train_keys", "test_keys"), keys or (), strict=False):
            file.create_dataset(name, data=hashes)
        if qrels is not None:
            file.create_dataset("qrels", data=qrels.astype(np.int32))
        file.flush()
        distance, began = attributes["distance"], time.process_time()
        k = min(NEIGHBORS, shape[0])
        # Mapped, the rows that are searched are the page cache's, and no copies of ours.
        offset = train.id.get_offset()
        rows = np.memmap(temporary, np.float32, "r", offset, shape)
        if cluster := current():
            neighbors, distances = nearest_on(cluster, temporary, offset, rows, test, k, distance, tell)
        else:
            neighbors, distances = nearest(_blocks(rows), test, k, distance, tell)
        file.create_dataset("neighbors", data=neighbors)
        file.create_dataset("distances", data=distances)
        everything = {
            "type": "dense",
            "point_type": "float",
            "dimension": shape[1],
            "schema_version": layout.SCHEMA_VERSION,
            "sha256_train": digest.hexdigest(),
            "sha256_test": hashlib.sha256(test.astype("<f4").tobytes()).hexdigest(),
            "neighbors_cpu_seconds": time.process_time() - began,
            "neighbors_cpu": machine()["cpu"],
            "queries_in_train": sum(row.tobytes() in copied for row in test),
        } | attributes
        for key, value in everything.items():
            file.attrs[key] = json.dumps(value, sort_keys=True) if isinstance(value, (dict, list)) else value
    return EmbeddingSet.open(path)


def check_vectors(vectors: NDArray[np.float32], what: str, first: int = 0, zeros_allowed: bool = False) -> None:
    """Refuse rows that are not finite, that no float32 product of two can hold or that, having no direction, are zero.

    Args:
        vectors: (n, d).
        what: names the vectors in the message.
        first: the row number of the first one.
        zeros_allowed: for distances other than angular.

    Raises:
        UserError: naming the first offending row.
    """
    finite = np.isfinite(vectors).all(axis=1)
    directed = ~finite | zeros_allowed | vectors.any(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        short = ~finite | (np.einsum("ij,ij->i", vectors, vectors, dtype=np.float64) < 1e37)
    faults = (finite, "holds NaN or infinite values"), (directed, "is all zeros"), (short, "is too long for float32")
    for good, problem in faults:
        if not good.all():
            raise UserError(f"{what} vector {first + int(np.argmin(good))} {problem}; remove or mend it")


def _blocks(train: h5py.Dataset | NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    from binbench.sets.neighbors import block_rows

    step = block_rows(train.shape[1])
    for start in range(0, len(train), step):
        yield train[start : start + step]


def _copies(block: NDArray[np.float32], test: NDArray[np.float32]) -> set[bytes]:
    """Those of the queries that occur in `block`, value for value: a set with such tests memory, not retrieval."""
    queries = {row.tobytes() for row in test}
    return queries & {row.tobytes() for row in block[np.isin(block[:, 0], test[:, 0])]}


def stored_blocks(path: Path, member: str) -> tuple[Callable[[], Iterator[NDArray[Any]]], tuple[int, int]]:
    """What makes an iterator over blocks of a `member` of an HDF5 file, in row order, and the member's shape.

    Raises:
        UserError: the file is not readable or has no such member.
    """
    with reading(path) as file:
        found = look(file, member, (None, None), "iuf")
        if found is None:
            raise UserError(f"{path} is not an embedding set: it has no {member!r}")
        count, dimension = found.shape

    def read() -> Iterator[NDArray[Any]]:
        with reading(path) as file:
            yield from _blocks(file[member])

    return read, (count, dimension)


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array
