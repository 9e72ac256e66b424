"""Binary codes of random projections, compared by Hamming distance."""

from __future__ import annotations

from binbench import register
from binbench.codes.projections import projection
from binbench.plugins.hamming_codes import HammingCodes


@register("binary{bits}", bits=[64, 128, 256, 512], held=lambda dimension, bits: bits / 8)
class RandomProjectionBinary(HammingCodes):
    """Sign of a Gaussian random projection, searched by Hamming distance.

    Symmetric, code × code: the share of equal bits estimates the angle (Charikar, 2002). Stores whole uint64 words per
    vector, and the projection in float64; nothing is learned.
    """

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.projection = projection("gaussian", dimension, bits, seed)
