"""The binary embedding engine: batches, projections, binarization, bit packing and Hamming search, all bit-exact."""

from binbench.codes.batches import BinaryCodeBatch, FloatEmbeddingBatch
from binbench.codes.engine import BinaryEmbeddingEngine

__all__ = ["BinaryCodeBatch", "BinaryEmbeddingEngine", "FloatEmbeddingBatch"]
