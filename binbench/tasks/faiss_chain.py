"""What a method does to vectors before its faiss index sees them, as transforms in the index itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.levels import LevelAlgorithm
from binbench.plugins.transform import Transform, Transformed

if TYPE_CHECKING:
    import faiss

#: faiss transforms, first to last.
Chain = list[Any]
#: Rows on which a transform has to be what its matrix says.
_TRIED = 100


def in_front(dimension: int, unit: bool) -> Chain:
    """What brings raw vectors to unit length, where the method expects that."""
    import faiss

    return [faiss.NormalizationTransform(dimension, 2.0)] if unit else []


def moved(chain: Chain | None, holder: Transformed, sample: FloatArray) -> Chain | None:
    """`chain` with the transform of `holder` behind it; None where that is no affine map of the rows of `sample`."""
    if chain is None:
        return None
    found = affine(holder.transform_, sample)
    return None if found is None else [*chain, _linear(*found), *in_front(holder.transform_.width, holder.unit)]


def affine(transform: Transform, sample: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """(d, width) matrix and (width,) offset of `transform`; None where it is no affine map of the rows of `sample`."""
    matrix, offset = _affine(transform.apply, sample.shape[1])
    rows = np.ascontiguousarray(sample[:_TRIED])
    return (matrix, offset) if np.allclose(transform.apply(rows), rows @ matrix + offset, atol=1e-4) else None


def behind(chain: Chain | None, holder: Any, index: faiss.Index) -> tuple[int, faiss.Index]:
    """How many transforms were put before `index`, the index of the method `holder`, and it behind them."""
    import faiss

    if chain is None or not isinstance(holder, FaissAlgorithm):
        return 0, index
    if isinstance(holder, LevelAlgorithm):
        matrix, offset = _affine(holder.project_queries, holder.dimension)
        matrix = np.pad(matrix, ((0, 0), (0, index.d - matrix.shape[1])))
        chain = [*chain, _linear(matrix, np.pad(offset, (0, index.d - len(offset))))]
    elif holder.transform_ is not None:
        chain = [*chain, _linear(holder.transform_, np.zeros(index.d, np.float32))]
    if not chain:
        return 0, index
    whole = faiss.IndexPreTransform(index)
    for transform in reversed(chain):
        whole.prepend_transform(transform)
    return len(chain), whole


def _affine(apply: Callable[[FloatArray], NDArray[Any]], dimension: int) -> tuple[FloatArray, FloatArray]:
    """(d, width) matrix and (width,) offset of an affine `apply`."""
    offset = apply(np.zeros((1, dimension), np.float32))[0]
    matrix = apply(np.eye(dimension, dtype=np.float32)) - offset
    return matrix.astype(np.float32), offset.astype(np.float32)


def _linear(matrix: FloatArray, offset: FloatArray) -> faiss.LinearTransform:
    import faiss

    transform = faiss.LinearTransform(*matrix.shape, True)
    faiss.copy_array_to_vector(np.ascontiguousarray(matrix.T, dtype=np.float32).ravel(), transform.A)
    faiss.copy_array_to_vector(np.ascontiguousarray(offset, dtype=np.float32), transform.b)
    transform.is_trained = True
    transform.set_is_orthonormal()
    return transform
