"""Binary codes of orthonormal random projections."""

from __future__ import annotations

from binbench import register
from binbench.codes.projections import projection
from binbench.plugins.hamming_codes import HammingCodes


@register("ortho{bits}", bits=[64, 128, 256, 512], held=lambda dimension, bits: bits / 8)
class OrthonormalBinary(HammingCodes):
    """Sign of an orthonormal random projection, searched by Hamming distance.

    Symmetric, code × code (Ji et al., Super-Bit Locality-Sensitive Hashing, 2012); beyond d bits in blocks of d. Stores
    whole uint64 words per vector, and the projection in float64; nothing is learned.
    """

    def __init__(self, dimension: int, bits: int, seed: int = 0) -> None:
        self.projection = projection("orthonormal", dimension, bits, seed)
