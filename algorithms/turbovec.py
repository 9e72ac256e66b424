"""turbovec, where it is installed."""

from __future__ import annotations

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register
from binbench.plugins.algorithm import Answer, FloatArray, Ids
from binbench.plugins.faiss_index import blocks, ranked
from binbench.plugins.libraries import library


@register("turbovec{bits}", bits=[2, 4], held=lambda dimension, bits: dimension * bits / 8 + 4)
class TurboVec(Algorithm):
    """Lloyd-Max levels of the randomly rotated coordinates, 2 or 4 bits each, by the `turbovec` library (TurboQuant).

    Asymmetric, float query × code (Zandieh et al., 2025); every document scored; the rotation is a fixed one. Stores
    the codes, a factor per vector and the rotation; bytes are those of the serialized index.
    """

    libraries = ("turbovec",)
    score_scale = "own"

    def __init__(self, dimension: int, bits: int) -> None:
        module = library("turbovec", "turbovec")
        if bits not in (2, 4):
            raise Unsupported(f"turbovec stores 2 or 4 bits per dimension, not {bits}")
        if dimension % 8:
            raise Unsupported(f"the dimension {dimension} does not divide by 8, as turbovec needs")
        self.dimension = dimension
        self.bits = bits
        self.empty_ = len(module.TurboQuantIndex(dimension, bits).to_bytes())

    def fit(self, train: FloatArray) -> None:
        self.facts.clear()
        index = library("turbovec", "turbovec").TurboQuantIndex(self.dimension, self.bits)
        with self.stage("encode"):
            # The library keeps its scratch memory, which is several times as large as the float32 rows of a call.
            for block in blocks(train, 512):
                index.add(block)
            index.prepare()
        self.index_ = index

    def query(self, queries: FloatArray, k: int) -> Answer:
        return ranked(self.search, queries, k, len(self.index_))

    def search(self, queries: FloatArray, k: int) -> tuple[FloatArray, Ids]:
        """The index's own `k` results."""
        scores, ids = self.index_.search(np.ascontiguousarray(queries), k)
        return scores, ids.astype(np.int64)

    def footprint(self) -> Footprint:
        codes = self.dimension * self.bits / 8
        added = (len(self.index_.to_bytes()) - self.empty_) / max(1, len(self.index_))
        return Footprint(codes=codes, extras=max(0.0, added - codes), shared=self.empty_)
