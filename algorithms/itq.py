"""Iterative quantization."""

from __future__ import annotations

import numpy as np

from binbench import Unsupported, register
from binbench.codes.projections import Projection
from binbench.plugins.algorithm import FloatArray
from binbench.plugins.faiss_index import one_thread, sample_rows
from binbench.plugins.hamming_codes import HammingCodes


@register("itq{bits}", bits=[64, 128, 256])
class IterativeQuantization(HammingCodes):
    """Signs of the leading principal components, rotated so that they lose least; Hamming distance.

    Symmetric, code × code (Gong and Lazebnik, 2011; faiss `ITQTransform`). Stores whole uint64 words per vector, the
    projection and the thresholds (the projected mean) in float64.
    """

    #: The most rows learned from.
    training_limit = 65536
    #: Turns of codes and rotation, faiss' default.
    turns = 50

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        if bits > dimension:
            raise Unsupported(f"{bits} bits need at least {bits} dimensions, the set has {dimension}")
        self.dimension = dimension
        self.bits = bits
        self.seed = seed

    def learn(self, train: FloatArray) -> None:
        import faiss

        if len(train) < self.bits:
            raise Unsupported(f"{len(train)} documents are too few for {self.bits} principal components")
        sample = sample_rows(train, self.training_limit, self.seed)
        self.facts["training_rows"] = len(sample)
        transform = faiss.ITQTransform(self.dimension, self.bits, True)
        transform.itq.seed, transform.itq.max_iter = self.seed, self.turns
        transform.max_train_per_dim = self.training_limit
        # Each turn magnifies the rounding of the last, which depends on the number of threads.
        with one_thread():
            transform.train(sample)
        # faiss makes the centred vector a unit one before it projects, which no sign can see.
        matrix = faiss.vector_to_array(transform.pca_then_itq.A).reshape(self.bits, self.dimension).astype(np.float64)
        mean = faiss.vector_to_array(transform.mean).astype(np.float64)
        self.projection = Projection("itq", self.dimension, self.bits, np.ascontiguousarray(matrix.T))
        self.thresholds_ = matrix @ mean
