"""From real values to bits: signs, scaled signs, and thresholds learned from documents."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.codes.packing import WORD, Bits, Words, pack_unchecked, words_per_row
from binbench.codes.projections import Projection
from binbench.errors import UserError, unknown

Values = NDArray[np.float64]

#: Rows projected at once: their float64 copies stay within tens of MB, and BLAS is at its full speed.
BLOCK = 8192
#: Values held at once while medians are learned.
_MEDIAN_VALUES = 1 << 24


def bits01(values: NDArray[np.floating], thresholds: NDArray[np.floating] | float = 0.0) -> Bits:
    """(n, bits) uint8: 1 where a value is greater than its threshold, a scalar or (bits,), else 0."""
    return (values > thresholds).view(np.uint8)


def signs(values: NDArray[np.floating], thresholds: NDArray[np.floating] | float = 0.0) -> NDArray[np.int8]:
    """(n, bits) int8: +1 where a value is greater than its threshold, else -1."""
    return (2 * bits01(values, thresholds).view(np.int8) - 1).astype(np.int8, copy=False)


def scaled_sign(values: NDArray[np.floating]) -> tuple[NDArray[np.int8], Values]:
    """Signs (n, d) int8 and the scale (n,) float64 of each row that minimizes its squared error: ‖x‖₁ / d.

    Rastegari et al., XNOR-Net, 2016, section 3.1.
    """
    return signs(values), np.abs(values).mean(axis=1, dtype=np.float64)


def encode(rows: NDArray[Any], projection: Projection, thresholds: Values | None = None) -> Words:
    """Project (N, d) `rows` block by block in float64 and pack the bits above `thresholds`, 0 where None.

    A row has the same code in any batch unless one of its projections is within rounding (about 1e-15) of its
    threshold: BLAS adds up in an order that depends on the number of rows.

    Returns:
        (N, ceil(bits / 64)) uint64.

    Raises:
        UserError: `rows` is not (N, d), or a value is not finite.
    """
    packed = np.empty((len(rows), words_per_row(projection.bits)), dtype=WORD)
    limit = 0.0 if thresholds is None else thresholds
    values: Values | None = None
    for start, block in _blocks(rows, projection.dimension):
        # Only the last block is shorter: the rest share one buffer.
        values = projection(block, out=None if values is None else values[: len(block)])
        packed[start : start + BLOCK] = pack_unchecked(values > limit)
    return packed


def means(rows: NDArray[Any], projection: Projection) -> Values:
    """The mean projection of the (N, d) `rows`, (bits,); raises as :func:`encode`."""
    total = np.zeros(projection.dimension)
    for _, block in _blocks(rows, projection.dimension):
        total += block.sum(axis=0)
    return projection(total[None] / max(1, len(rows)))[0]


def medians(rows: NDArray[Any], projection: Projection) -> Values:
    """The median projection of the (N, d) `rows`, (bits,); raises as :func:`encode`.

    A row that is the median itself is not above it. So that rounding does not decide its bit, thresholds lie above the
    median by 1e-12 of the largest value.
    """
    result = np.zeros(projection.bits)
    if len(rows) == 0:
        return result
    width = max(1, _MEDIAN_VALUES // len(rows))
    for first in range(0, projection.bits, width):
        columns = slice(first, min(first + width, projection.bits))
        values = np.empty((columns.stop - first, len(rows)))
        for start, block in _blocks(rows, projection.dimension):
            values[:, start : start + BLOCK] = projection(block, columns).T
        largest = np.maximum(values.max(axis=1), -values.min(axis=1))
        result[columns] = np.median(values, axis=1, overwrite_input=True) + 1e-12 * largest
    return result


_LEARNED: dict[str, Callable[[NDArray[Any], Projection], Values]] = {"mean": means, "median": medians}
THRESHOLDS = ("zero", *_LEARNED)


def learn_thresholds(name: str, rows: NDArray[Any], projection: Projection) -> Values | None:
    """The thresholds called `name` for `projection`, learned from documents: ``zero`` (None), ``mean`` or ``median``.

    Raises:
        UserError: there are no such thresholds, or as :func:`encode`.
    """
    check_threshold(name)
    return _LEARNED[name](rows, projection) if name in _LEARNED else None


def check_threshold(name: str) -> None:
    """Raise :exc:`UserError` unless `name` is one of :data:`THRESHOLDS`."""
    if name not in THRESHOLDS:
        raise unknown("threshold", name, THRESHOLDS, f"; there are {', '.join(THRESHOLDS)}")


def _blocks(rows: NDArray[Any], dimension: int) -> Iterator[tuple[int, Values]]:
    if rows.ndim != 2 or rows.shape[1] != dimension or rows.dtype.kind not in "fiu":
        raise UserError(f"rows: expected (N, {dimension}) real numbers, got {rows.shape} {rows.dtype}")
    for start in range(0, len(rows), BLOCK):
        block = np.ascontiguousarray(rows[start : start + BLOCK], dtype=np.float64)
        # One BLAS pass tells whether all is finite; where it overflows a closer look decides.
        if not math.isfinite(np.vdot(block, block)) and len(bad := np.argwhere(~np.isfinite(block))):
            row, column = bad[0]
            raise UserError(f"rows: expected finite numbers, got {block[row, column]} in row {start + row}")
        yield start, block
