"""Small codes searched, larger ones kept to rank the best of them."""

from __future__ import annotations

from binbench.algorithms.binary import RandomProjectionBinary
from binbench.algorithms.flat import Float
from binbench.algorithms.pq import ProductQuantization
from binbench.algorithms.scalar import Scalar

from binbench import register
from binbench.plugins.faiss_index import FaissAlgorithm
from binbench.plugins.two_stage import Rescored


@register(
    "pq{bytes}-rescore-float",
    bytes=[8, 16, 32, 64],
    store="float",
    held=lambda dimension, bytes, store: bytes + 4 * dimension,
)
class RescoredProductQuantization(Rescored):
    """Product quantization searched, the whole vectors of the best candidates re-scored.

    Asymmetric in both stages (Jégou, Tavenard, Douze and Amsaleg, 2011); the query argument `candidates` is the
    number of documents that are re-scored. Stores the codes, the codebooks and the float32 vectors.
    """

    metrics = ("angular", "euclidean", "ip")

    def __init__(self, dimension: int, bytes: int, store: str, seed: int = 0) -> None:
        super().__init__(dimension, ProductQuantization(dimension, bytes, seed), _store(dimension, store))


@register(
    "binary{bits}-rescore-int8",
    bits=[64, 128, 256, 512],
    store="int8",
    held=lambda dimension, bits, store: bits / 8 + dimension,
)
@register(
    "binary{bits}-rescore-float",
    bits=[64, 128, 256, 512],
    store="float",
    held=lambda dimension, bits, store: bits / 8 + 4 * dimension,
)
class RescoredBinary(Rescored):
    """Hamming search of random-projection codes, the best candidates re-scored on int8 codes or on whole vectors.

    Symmetric, then asymmetric: float query × de-scaled int8 code or float vector (Yamada, Asai and Hajishirzi, 2021);
    the query argument `candidates` is the number of documents that are re-scored. Stores the binary codes, the
    projection, and the int8 codes with their ranges or the float32 vectors.
    """

    def __init__(self, dimension: int, bits: int, store: str, seed: int = 0) -> None:
        super().__init__(dimension, RandomProjectionBinary(dimension, bits, seed), _store(dimension, store))


def _store(dimension: int, store: str) -> FaissAlgorithm:
    """What candidates are ranked by: the whole vectors (``float``) or their int8 codes."""
    return Float(dimension) if store == "float" else Scalar(dimension, bits=8)
