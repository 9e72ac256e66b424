"""The layout of embedding sets, and whether a file has it, looked at before anything is read."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError
from binbench.hdf5 import attributes_of, look, opened
from binbench.sets.neighbors import DISTANCES, distances_to

if TYPE_CHECKING:
    import h5py

    from binbench.sets.embeddings import EmbeddingSet

SCHEMA_VERSION = 1
#: Nearest neighbours stored with a set, as in ann-benchmarks.
NEIGHBORS = 100
#: The arrays of a set: the lengths of their axes, by letter or in full, and numpy's letters of their types.
MEMBERS = {
    "train": ("Nd", "f"),
    "test": ("Qd", "f"),
    "neighbors": ("Qm", "iu"),
    "distances": ("Qm", "f"),
    "qrels": ("j3", "iu"),
    "train_ids": ("N", "OS"),
    "test_ids": ("Q", "OS"),
    "train_keys": ("N", "S"),
    "test_keys": ("Q", "S"),
}
#: Of a file that another program wrote only the vectors count.
FOREIGN = {"train": ("Nd", "iuf"), "test": ("Qe", "iuf")}
_REQUIRED = ("train", "test", "neighbors", "distances")
#: Attributes that are stored as JSON, with what stands for their absence.
_DECODED = {"provenance": dict, "identity": dict, "inputs": dict, "warnings": list, "earlier_encodings": dict}
# Stored distances are float32, and other machines add in another order.
_TOLERANCE = 1e-4


def reading(path: Path) -> AbstractContextManager[h5py.File]:
    """Open a set to read from it.

    Raises:
        UserError: it cannot be opened, or what is read is damaged; with what is raised as ValueError within.
    """
    return opened(path, "make it anew with `binbench prepare --force`, or get it again")


def attributes(path: Path, file: h5py.File) -> dict[str, Any]:
    """The root attributes of a set, those that are JSON decoded; of a foreign file as they are.

    Raises:
        UserError: it was written by a later version.
        ValueError: they are damaged.
    """
    found = attributes_of(file)
    is_ours = "schema_version" in found
    for key, kind in _DECODED.items():
        decoded = json.loads(found.get(key) or "null") if is_ours else None
        if decoded is not None and not isinstance(decoded, kind):
            raise ValueError(f"its attribute {key} is no {kind.__name__}")
        found[key] = kind() if decoded is None else decoded
    if not is_ours:
        return found
    version = found["schema_version"]
    if not isinstance(version, int) or version < 1:
        raise ValueError(f"its schema_version is {version}")
    if version > SCHEMA_VERSION:
        raise UserError(f"{path} has schema_version {version}, this binbench knows {SCHEMA_VERSION}; get a newer one")
    if found.get("distance") not in DISTANCES.values():
        raise ValueError(f"its distance is {found.get('distance')}")
    for key in ("sha256_train", "sha256_test"):
        if not isinstance(found.get(key), str):
            raise ValueError(f"its attribute {key} is no text")
    return found


def lengths(path: Path, file: h5py.File, is_ours: bool) -> dict[str, int]:
    """The lengths of the axes of :data:`MEMBERS`, by letter, all arrays looked at.

    Raises:
        UserError: there are no vectors.
        ValueError: an array is missing, lies elsewhere, or has another type or shape.
    """
    found: dict[str, int] = {}
    for name, (axes, kinds) in (MEMBERS if is_ours else FOREIGN).items():
        there = look(file, name, [int(axis) if axis.isdecimal() else found.get(axis) for axis in axes], kinds)
        if there is None and name in FOREIGN:
            raise UserError(f"{path} is not an embedding set: it has no {name!r}")
        if there is None and name in _REQUIRED:
            raise ValueError(f"it has no {name!r}")
        found |= dict(zip(axes, there.shape, strict=True)) if there else {}
        if not found["N"] or not found.get("Q", 1):
            raise UserError(f"{path}: no {'queries' if found['N'] else 'documents'}")
        found["m"] = min(NEIGHBORS, found["N"])
    return found


def check_rows(name: str, rows: NDArray[Any], count: int) -> None:
    """See that all `rows` are of `count` there are.

    Raises:
        ValueError: one is not.
    """
    if rows.size and not (rows.min() >= 0 and rows.max() < count):
        raise ValueError(f"{name!r} names rows that are not there")


def check_distances(embeddings: EmbeddingSet, stored: NDArray[np.float32]) -> None:
    """See that `stored` distances ascend and are those of the stored neighbours; of these the first and the last.

    Raises:
        ValueError: they are not: whatever were measured against them would mean nothing.
    """
    ends = [0, -1]
    exact = distances_to(embeddings.train, embeddings.test, embeddings.neighbors[:, ends], embeddings.distance)
    true = np.isclose(stored[:, ends], exact, rtol=_TOLERANCE, atol=_TOLERANCE)
    wrong = ~(np.isfinite(stored).all(axis=1) & (np.diff(stored, axis=1) >= 0).all(axis=1) & true.all(axis=1))
    if wrong.any():
        raise ValueError(f"'distances' of query {int(np.argmax(wrong))} are not those of its 'neighbors'")
