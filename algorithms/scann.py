"""ScaNN, where it is installed."""

from __future__ import annotations

import importlib
import importlib.util

import numpy as np

from binbench import Algorithm, Footprint, Unsupported, register
from binbench.plugins.algorithm import Answer, FloatArray
from binbench.plugins.faiss_index import sample_rows, trained_on

#: Rows that the library draws to learn from, and centroids of each codebook.
_SAMPLE, _CENTROIDS = 100_000, 16


@register("scann", held=lambda dimension: dimension / 4)
class ScaNN(Algorithm):
    """4-bit product quantization trained for inner products, by the `scann` library.

    Asymmetric, float query × code (Guo et al., 2020). One code per 2 dimensions, every document scored; stores the
    codes and the codebooks, 4 · 16 · d bytes. ScaNN cannot be seeded.
    """

    libraries = ("scann",)

    def __init__(self, dimension: int) -> None:
        if importlib.util.find_spec("scann") is None:
            raise Unsupported("the scann library is not installed; pip install scann")
        self.dimension = dimension

    def fit(self, train: FloatArray) -> None:
        scann = importlib.import_module("scann")

        self.facts.clear()
        if len(sample_rows(train, None, 0)) < len(train):
            raise Unsupported("its library learns from all documents: --max-train cannot cap it")
        self.count_ = len(train)
        with self.stage("train"):
            builder = scann.scann_ops_pybind.builder(np.ascontiguousarray(train), 10, "dot_product")
            codes = builder.score_ah(2, anisotropic_quantization_threshold=0.2, training_sample_size=_SAMPLE)
            self.searcher_ = codes.build()
        trained_on(self, min(len(train), _SAMPLE), _CENTROIDS)

    def query(self, queries: FloatArray, k: int) -> Answer:
        kept = min(k, self.count_)
        labels, found = self.searcher_.search_batched(np.ascontiguousarray(queries), final_num_neighbors=kept)
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
        order = np.lexsort((labels, -found), axis=-1)
        ids[:, :kept] = np.take_along_axis(labels, order, axis=-1)
        scores[:, :kept] = np.take_along_axis(found, order, axis=-1)
        return ids, scores

    def footprint(self) -> Footprint:
        pairs = -(-self.dimension // 2)
        return Footprint(codes=-(-pairs // 2), shared=4 * _CENTROIDS * self.dimension)
