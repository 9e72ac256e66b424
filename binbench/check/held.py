"""The bytes that an object really holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np


def held_bytes(root: object) -> int:
    """The bytes that `held` finds."""
    return held(root)[0]


def held(root: object) -> tuple[int, set[str]]:
    """The bytes of the arrays, byte strings, number lists and faiss objects that `root`'s attributes reach.

    What is reached twice, or is part of a faiss index that is reached, counts once. A faiss index counts as much as it
    is when serialized, a few hundred bytes of header included.

    Returns:
        the bytes, and the names of the types of objects that cannot be looked into.
    """
    import faiss

    seen: dict[int, object] = {}
    found_faiss: list[Any] = []
    closed: set[str] = set()
    total = 0
    waiting: list[object] = [root]
    while waiting:
        item = waiting.pop()
        if id(item) in seen:
            continue
        # Keeping the object keeps its id from being used again.
        seen[id(item)] = item
        if isinstance(item, np.ndarray):
            if item.base is not None and isinstance(item.base, np.ndarray):
                waiting.append(item.base)
            else:
                total += item.nbytes
        elif isinstance(item, (bytes, bytearray)):
            total += len(item)
        elif isinstance(item, (int, float, np.generic)):
            total += 8
        elif isinstance(item, Mapping):
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple, set, frozenset)):
            total += 8 * sum(isinstance(value, (int, float)) for value in item)
            waiting.extend(value for value in item if not isinstance(value, (int, float)))
        elif isinstance(item, (faiss.Index, faiss.IndexBinary, faiss.VectorTransform, faiss.ProductQuantizer)):
            found_faiss.append(item)
        elif not isinstance(item, type) and hasattr(item, "__dict__"):
            waiting.extend(value for name, value in vars(item).items() if name != "facts_")
        elif not isinstance(item, (type, str, type(None))):
            closed.add(type(item).__name__)
    return total + _faiss_bytes(found_faiss), closed


def _faiss_bytes(objects: list[Any]) -> int:
    inner = {pointer for item in objects for pointer in _parts(item)}
    distinct = {int(item.this): item for item in objects if int(item.this) not in inner}
    return sum(_serialized(item) for item in distinct.values())


def _parts(item: Any) -> Iterable[int]:
    """The pointers of the faiss objects inside `item`."""
    import faiss

    if not isinstance(item, faiss.Index):
        return
    item = faiss.downcast_index(item)
    chain = getattr(item, "chain", None)
    if chain is not None:
        yield from (int(chain.at(i).this) for i in range(chain.size()))
    for name in ("index", "quantizer", "storage", "pq", "base_index", "refine_index"):
        if (part := getattr(item, name, None)) is not None:
            yield int(part.this)
            yield from _parts(part)


def _serialized(item: Any) -> int:
    import faiss

    if isinstance(item, faiss.Index):
        return len(faiss.serialize_index(item)) + _tables(item)
    if isinstance(item, faiss.IndexBinary):
        return len(faiss.serialize_index_binary(item))
    if isinstance(item, faiss.ProductQuantizer):
        return 4 * item.centroids.size()
    writer = faiss.VectorIOWriter()
    faiss.write_VectorTransform(item, writer)
    return writer.data.size()


def _tables(item: Any) -> int:
    """Bytes of the look-up tables that a residual quantizer keeps but does not write."""
    import faiss

    quantizer = getattr(faiss.downcast_index(item), "rq", None)
    return 0 if quantizer is None else 4 * (quantizer.codebook_cross_products.size() + quantizer.centroid_norms.size())
