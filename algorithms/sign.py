"""One bit per dimension of the vector itself."""

from __future__ import annotations

import numpy as np

from binbench import Footprint, register
from binbench.codes.binarize import learn_thresholds
from binbench.codes.packing import unpack
from binbench.codes.projections import projection
from binbench.plugins.algorithm import FloatArray, Ids
from binbench.plugins.faiss_index import sample_rows
from binbench.plugins.hamming_codes import HammingCodes
from binbench.plugins.two_stage import TwoStage


@register("sign", threshold="zero", held=lambda dimension, threshold: dimension / 8)
@register("sign-mean", threshold="mean", held=lambda dimension, threshold: dimension / 8)
@register("sign-median", threshold="median", held=lambda dimension, threshold: dimension / 8)
class Sign(HammingCodes):
    """Whether each dimension is above zero, or above its mean or median among the documents; Hamming distance.

    Symmetric, code × code (zero: "binary quantization" as in sentence-transformers; median: as in spectral hashing's
    balanced bits, Weiss, Torralba and Fergus, 2008). Stores whole uint64 words per vector, and the thresholds.
    """

    def __init__(self, dimension: int, threshold: str) -> None:
        self.projection = projection("identity", dimension, dimension)
        self.threshold = threshold

    def learn(self, train: FloatArray) -> None:
        self.thresholds_ = learn_thresholds(self.threshold, sample_rows(train, None, 0), self.projection)


@register("sign-rescore-self", held=lambda dimension: dimension / 8)
class SignRescored(TwoStage):
    """Hamming search of sign codes, the best candidates re-scored by the float query against their own codes.

    Symmetric, then asymmetric (Yamada, Asai and Hajishirzi, 2021, without the float vectors); the query argument
    `candidates` is the number of documents that are re-scored. Stores the sign codes and nothing more.
    """

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension)
        self.first_ = self.signs_ = Sign(dimension, "zero")

    def fit(self, train: FloatArray) -> None:
        self.signs_.fit(train)
        self.facts.clear()
        self.facts.update(self.signs_.facts)

    def rescore(self, query: FloatArray, rows: Ids) -> FloatArray:
        bits = unpack(self.signs_.codes_[rows], self.dimension)
        # q · (2b - 1); einsum gives equal codes equal scores, as a BLAS product need not.
        return 2 * np.einsum("nd,d->n", bits.astype(np.float32), query) - query.sum()

    def footprint(self) -> Footprint:
        return self.signs_.footprint()
