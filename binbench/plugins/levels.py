"""Codes that give each dimension one of a few fixed levels, scored against float queries at look-up-table speed.

The levels of the dimensions that share a byte are one of 256 known patterns, so a product quantizer whose codebooks are
these patterns scores the codes exactly: nothing is trained and nothing is unpacked (André et al., 2015, use such tables
for learned codebooks).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binbench.plugins.algorithm import Footprint, Ids
from binbench.plugins.faiss_index import FaissAlgorithm, FloatArray, blocks

if TYPE_CHECKING:
    import faiss


#: Rows encoded at once; each value takes some twenty bytes on its way to a few bits.
ROWS = 8192


class LevelAlgorithm(FaissAlgorithm):
    """A method that projects a vector and rounds each of the `width` results to the nearest of 2, 4 or 16 levels.

    Asymmetric: projected float query × level. Dimension j of a byte lies in its j-th group of bits, least significant
    first; the dimensions that fill the last byte are zero in every query. A subclass gives `width`, `levels`
    (ascending) and `project`, and adds what it learned to `footprint`.
    """

    width: int
    levels: ArrayLike

    @abstractmethod
    def project(self, vectors: FloatArray) -> NDArray[np.floating]:
        """(n, d) vectors to the (n, width) values that are rounded."""

    def project_queries(self, queries: FloatArray) -> NDArray[np.floating]:
        """The same for queries, which are not rounded."""
        return self.project(queries)

    def build(self) -> faiss.Index:
        return level_index(self.width, np.asarray(self.levels))

    def fit(self, train: FloatArray) -> None:
        """Encode every row of `train`."""
        self.facts.clear()
        index = self.build()
        with self.stage("encode"):
            for block in blocks(train, ROWS):
                index.add_sa_codes(pack_levels(self.project(block), np.asarray(self.levels)))
        self.index_ = index

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        projected = np.zeros((len(queries), self.index_.d), dtype=np.float32)
        projected[:, : self.width] = self.project_queries(queries)
        return super().search(projected, k)

    def decode(self, vectors: FloatArray) -> FloatArray:
        """(n, width) the level of each dimension."""
        packed = pack_levels(self.project(vectors), np.asarray(self.levels))
        return self.index_.sa_decode(packed)[:, : self.width]

    def footprint(self) -> Footprint:
        """The packed codes, and the tables of patterns that faiss holds."""
        return Footprint(codes=self.index_.code_size, shared=4 * 256 * self.index_.d)


def level_index(width: int, levels: NDArray[np.floating]) -> faiss.IndexPQ:
    """An inner-product index over packed codes of `width` dimensions, (2**b,) `levels` each, for b of 1, 2 or 4."""
    import faiss

    per_byte = 8 // _bits(levels)
    size = -(-width // per_byte)
    patterns = np.indices((len(levels),) * per_byte).reshape(per_byte, -1)[::-1].T
    index = faiss.IndexPQ(size * per_byte, size, 8, faiss.METRIC_INNER_PRODUCT)
    faiss.copy_array_to_vector(np.tile(levels[patterns].astype(np.float32).ravel(), size), index.pq.centroids)
    index.is_trained = True
    return index


def pack_levels(values: NDArray[np.floating], levels: NDArray[np.floating]) -> NDArray[np.uint8]:
    """(n, width) values, each rounded to the nearest of `levels`, as (n, bytes) packed codes; halves round down."""
    bits = _bits(levels)
    codes = np.searchsorted((levels[1:] + levels[:-1]) / 2, values).astype(np.uint8)
    digits = (codes[:, :, None] >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(digits.reshape(len(values), -1), axis=1, bitorder="little")


def _bits(levels: NDArray[np.floating]) -> int:
    return len(levels).bit_length() - 1
