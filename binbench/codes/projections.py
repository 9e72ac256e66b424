"""The linear maps whose signs become bits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import PCG64, Generator
from numpy.typing import NDArray

from binbench.errors import UserError, unknown

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Projection:
    """A map from `dimension` coordinates to `bits` values; `matrix` is (dimension, bits), None for the identity."""

    name: str
    dimension: int
    bits: int
    matrix: Matrix | None

    @property
    def nbytes(self) -> int:
        """The bytes the matrix takes."""
        return 0 if self.matrix is None else self.matrix.nbytes

    def __call__(self, rows: NDArray[Any], columns: slice = slice(None), out: Matrix | None = None) -> Matrix:
        """The (n, bits) float64 values of (n, dimension) `rows`, or some `columns` of them, into `out` if given.

        `rows` are made contiguous float64 first, so that neither their type nor their strides change a bit.
        """
        rows = np.ascontiguousarray(rows, dtype=np.float64)
        if self.matrix is None:
            return rows[:, : self.bits][:, columns]
        return np.matmul(rows, self.matrix[:, columns], out=out)


def gaussian(dimension: int, bits: int, seed: int) -> Matrix:
    """A (dimension, bits) float64 matrix of standard normals from ``Generator(PCG64(seed))``.

    The sign of such a projection differs between two vectors at angle θ with probability θ/π (Charikar, 2002).
    """
    return Generator(PCG64(seed)).standard_normal((dimension, bits))


def orthonormal(dimension: int, bits: int, seed: int) -> Matrix:
    """The same Gaussian, each `dimension` columns of it made orthonormal by QR with a positive diagonal of R.

    The columns of a block are uniform in the sense of Haar (Mezzadri, 2007), and estimate angles with less variance
    than independent ones (Ji et al., Super-Bit Locality-Sensitive Hashing, 2012). Unlike the Gaussian's, their last
    binary digits depend on the LAPACK build.
    """
    normals = gaussian(dimension, bits, seed)
    for start in range(0, bits, dimension):
        q, r = np.linalg.qr(normals[:, start : start + dimension])
        normals[:, start : start + dimension] = q * np.sign(np.diag(r))
    return normals


_MATRICES: dict[str, Callable[[int, int, int], Matrix]] = {"gaussian": gaussian, "orthonormal": orthonormal}
PROJECTIONS = (*_MATRICES, "identity")


def projection(name: str, dimension: int, bits: int, seed: int = 0) -> Projection:
    """The projection called `name`: ``gaussian``, ``orthonormal`` or ``identity`` (the first `bits` coordinates).

    Raises:
        UserError: there is no such projection, `dimension` or `bits` is less than 1, or the identity is asked for more
            bits than there are coordinates.
    """
    for field, value in (("dimension", dimension), ("bits", bits)):
        if value < 1:
            raise UserError(f"{field}: expected at least 1, got {value}")
    if name in _MATRICES:
        matrix = _MATRICES[name](dimension, bits, seed)
        matrix.flags.writeable = False
        return Projection(name, dimension, bits, matrix)
    if name != "identity":
        raise unknown("projection", name, PROJECTIONS, f"; there are {', '.join(PROJECTIONS)}")
    if bits > dimension:
        raise UserError(f"bits: the identity gives at most one bit per coordinate ({dimension}), got {bits}")
    return Projection(name, dimension, bits, None)
