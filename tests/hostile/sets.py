"""Damage to an embedding set, each with what `binbench run` has to say of it: a case is a line.

`f` is the set, open for writing: 60 × 8 documents, 6 queries, 60 neighbours, ids `d0`… and `q0`…, 3 judgements.
"""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from binbench.sets.layout import MEMBERS


def put(f: h5py.File, name: str, data: Any) -> None:
    """`data` in place of a member."""
    del f[name]
    f[name] = data


def claim(f: h5py.File, name: str, shape: tuple[int, ...], dtype: str = "f4") -> None:
    """An array of which nothing is stored."""
    del f[name]
    f.create_dataset(name, shape, dtype, chunks=(1,) * len(shape))


def outside(f: h5py.File, name: str) -> None:
    """An array whose bytes are those of another file."""
    del f[name]
    space, kind = h5py.h5s.create_simple((60, 8)), h5py.h5t.IEEE_F32LE
    made = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    made.set_external(b"/etc/passwd", 0, 60 * 8 * 4)
    h5py.h5d.create(f.id, name.encode(), kind, space, made)


def virtual(f: h5py.File, name: str) -> None:
    """An array put together from another file's."""
    del f[name]
    layout = h5py.VirtualLayout((60, 8), "f4")
    layout[:] = h5py.VirtualSource("other.hdf5", "train", (60, 8))
    f.create_virtual_dataset(name, layout)


def text(*values: bytes) -> np.ndarray:
    """Texts of any bytes."""
    return np.array(values, dtype=object).astype(h5py.string_dtype("utf-8"))


def lists(n: int) -> np.ndarray:
    """Lists of numbers, of any length."""
    made = np.empty(n, dtype=h5py.vlen_dtype(np.float64))
    made[:] = [np.ones(3)] * n
    return made


CASES = {
    # Arrays that are none, or of another shape or type.
    "neighbors short": (
        lambda f: put(f, "neighbors", f["neighbors"][:3]),
        "'neighbors' has the shape (3, 60), not (6, 60)",
    ),
    "neighbors narrow": (lambda f: put(f, "neighbors", f["neighbors"][:, :5]), "'neighbors' has the shape (6, 5)"),
    "neighbors flat": (lambda f: put(f, "neighbors", f["neighbors"][0]), "'neighbors' has the shape (60,)"),
    "neighbors floats": (lambda f: put(f, "neighbors", np.ones((6, 60))), "'neighbors' holds float64"),
    "neighbors beyond": (
        lambda f: put(f, "neighbors", f["neighbors"][:] + 1),
        "names rows that are not there",
    ),
    "neighbors negative": (lambda f: put(f, "neighbors", f["neighbors"][:] * 0 - 1), "names rows that are not there"),
    "neighbors missing": (lambda f: f.__delitem__("neighbors"), "it has no 'neighbors'"),
    "distances short": (lambda f: put(f, "distances", f["distances"][:3]), "'distances' has the shape (3, 60)"),
    "distances missing": (lambda f: f.__delitem__("distances"), "it has no 'distances'"),
    "train missing": (lambda f: f.__delitem__("train"), "is not an embedding set: it has no 'train'"),
    "train group": (lambda f: (f.__delitem__("train"), f.create_group("train")), "'train' is no array"),
    "train objects": (lambda f: put(f, "train", text(b"a", b"b")), "'train' holds object"),
    "train scalar": (lambda f: put(f, "train", 1.5), "'train' has the shape ()"),
    "train text": (lambda f: put(f, "train", "vectors"), "'train' holds object"),
    "train whole numbers": (lambda f: put(f, "train", np.ones((60, 8), int)), "'train' holds int64"),
    "ids lists of numbers": (lambda f: put(f, "train_ids", lists(60)), "'train_ids' holds object"),
    "train 3-D": (lambda f: put(f, "train", np.ones((60, 8, 1), "f4")), "'train' has the shape (60, 8, 1)"),
    "train huge": (lambda f: claim(f, "train", (2**60, 8)), "is damaged"),
    "test huge": (lambda f: claim(f, "test", (2**60, 8)), "is damaged"),
    "test of another dimension": (
        lambda f: put(f, "test", np.ones((6, 7), "f4")),
        "'test' has the shape (6, 7), not (any, 8)",
    ),
    "test empty": (lambda f: put(f, "test", np.ones((0, 8), "f4")), "no queries"),
    "qrels narrow": (lambda f: put(f, "qrels", f["qrels"][:, :2]), "'qrels' has the shape (3, 2), not (any, 3)"),
    "qrels of no query": (
        lambda f: put(f, "qrels", np.add(f["qrels"][:], [6, 0, 0])),
        "names rows that are not there",
    ),
    "qrels of no document": (
        lambda f: put(f, "qrels", np.subtract(f["qrels"][:], [0, 9, 0])),
        "names rows that are not there",
    ),
    "ids too few": (lambda f: put(f, "train_ids", text(b"a")), "'train_ids' has the shape (1,), not (60)"),
    "ids no text": (lambda f: put(f, "train_ids", np.arange(60)), "'train_ids' holds int64"),
    "ids no UTF-8": (lambda f: put(f, "test_ids", text(*[b"\xff"] * 6)), "is damaged: 'utf-8' codec can't decode"),
    # Links and bytes that lead elsewhere.
    "link loop": (
        lambda f: (f.__delitem__("train"), f.__setitem__("train", h5py.SoftLink("/train"))),
        "is a link to another place",
    ),
    "group loop": (lambda f: (f.__delitem__("test"), f.__setitem__("test", f["/"])), "'test' is no array"),
    "external link": (
        lambda f: (f.__delitem__("train"), f.__setitem__("train", h5py.ExternalLink("/etc/passwd", "/"))),
        "'train' is a link to another place",
    ),
    "external storage": (lambda f: outside(f, "train"), "'train' lies in another file"),
    "virtual": (lambda f: virtual(f, "train"), "'train' lies in another file"),
    # Silent ones: the file is whole, and what it says means nothing.
    "distances NaN": (
        lambda f: put(f, "distances", f["distances"][:] * np.nan),
        "of query 0 are not those of",
    ),
    "distances zero": (lambda f: put(f, "distances", f["distances"][:] * 0), "of query 0 are not those of"),
    "distances falling": (
        lambda f: put(f, "distances", f["distances"][:][:, ::-1]),
        "of query 0 are not those of",
    ),
    "distances of others": (lambda f: put(f, "distances", f["distances"][:][::-1]), "are not those of its 'neighbors'"),
    "later version": (
        lambda f: f.attrs.__setitem__("schema_version", 99),
        "has schema_version 99",
    ),
    "version no number": (lambda f: f.attrs.__setitem__("schema_version", "one"), "its schema_version is one"),
    "identity no JSON": (lambda f: f.attrs.__setitem__("identity", "{"), "is damaged: Expecting property name"),
    "identity another JSON": (lambda f: f.attrs.__setitem__("identity", "[1]"), "its attribute identity is no dict"),
    "provenance a number": (lambda f: f.attrs.__setitem__("provenance", 7), "is damaged"),
    "distance unknown": (lambda f: f.attrs.__setitem__("distance", "jaccard"), "its distance is jaccard"),
    "no hash": (lambda f: f.attrs.__delitem__("sha256_train"), "its attribute sha256_train is no text"),
}
#: Every member that a set may lack has damage of its own above.
assert {name.split()[0] for name in CASES} >= {"train", "test", "neighbors", "distances", "qrels"} <= set(MEMBERS)
