"""Embeddings and codes whose invariants hold: checked once, immutable afterwards."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.codes import packing
from binbench.codes.packing import Bits, Words
from binbench.errors import UserError

#: How far from 1 the length of a normalized row may be.
UNIT_TOLERANCE = 1e-4


@dataclass(frozen=True, eq=False)
class FloatEmbeddingBatch:
    """Embeddings.

    An array that can be written to is copied; one that is read-only, say a memory map, is taken as it is.

    Attributes:
        values: (N, d) float32, finite, read-only.
        ids: N unique ids, or None.
        normalized: whether the rows have unit length within :data:`UNIT_TOLERANCE`.

    Raises:
        UserError: one of these does not hold.
    """

    values: NDArray[np.float32]
    ids: Sequence[Hashable] | None = None
    normalized: bool = False

    def __post_init__(self) -> None:
        values = _array("values", self.values)
        if values.ndim != 2 or values.dtype != np.float32:
            raise UserError(f"values: expected a 2-D array of float32, got {values.ndim}-D {values.dtype}")
        if values.shape[1] == 0:
            raise UserError("values: expected at least 1 column, got 0")
        squares = np.einsum("ij,ij->i", values, values, dtype=np.float64)
        # The square of a finite float32 fits float64.
        if not (finite := np.isfinite(squares)).all():
            row = int(finite.argmin())
            bad = values[row][~np.isfinite(values[row])][0]
            raise UserError(f"values: expected finite numbers, got {bad} in row {row}")
        if self.normalized and (off := np.abs(np.sqrt(squares) - 1)).max(initial=0) > UNIT_TOLERANCE:
            row = int(off.argmax())
            length = np.sqrt(squares[row])
            raise UserError(
                f"values: expected unit rows within {UNIT_TOLERANCE:g}, got length {length:.6g} in row {row}; "
                "normalize them or leave normalized=False"
            )
        _set(self, values=_frozen(values), ids=_checked_ids(self.ids, len(values)))

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True, eq=False)
class BinaryCodeBatch:
    """Binary codes, held packed.

    An array that can be written to is copied; one that is read-only is taken as it is.

    Attributes:
        packed: (N, ceil(bits / 64)) uint64, read-only, laid out as :mod:`binbench.codes.packing` says; the bits that
            fill the last word are zero.
        bits: bits per code.
        ids: N unique ids, or None.

    Raises:
        UserError: one of these does not hold.
    """

    packed: Words
    bits: int
    ids: Sequence[Hashable] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.bits, bool) or not isinstance(self.bits, int | np.integer):
            raise UserError(f"bits: expected an integer, got {self.bits!r}")
        packed = _array("packed", self.packed)
        packing.check_words(packed, self.bits)
        if packing.has_padding_set(packed, self.bits):
            raise UserError(
                f"packed: expected zero beyond bit {self.bits - 1} of a row, got set bits; "
                "clear them with binbench.codes.packing.cleared"
            )
        packed = _frozen(packed.astype(packing.WORD, copy=False))
        _set(self, packed=packed, bits=int(self.bits), ids=_checked_ids(self.ids, len(packed)))

    @classmethod
    def from_bits01(cls, bits01: NDArray[Any], ids: Sequence[Hashable] | None = None) -> BinaryCodeBatch:
        """From (N, bits) uint8 or bool of {0,1}."""
        bits01 = _array("bits01", bits01)
        return cls(packing.pack(bits01), bits01.shape[1], ids)

    @classmethod
    def from_signs(cls, signs: NDArray[Any], ids: Sequence[Hashable] | None = None) -> BinaryCodeBatch:
        """From (N, bits) real numbers of {-1,+1}."""
        signs = _array("signs", signs)
        if signs.ndim != 2 or signs.dtype.kind not in "if":
            raise UserError(f"signs: expected a 2-D array of signed numbers, got {signs.ndim}-D {signs.dtype}")
        if (wrong := np.abs(signs) != 1).any():
            raise UserError(f"signs: expected -1 and +1 only, got {signs[wrong][0]}")
        return cls(packing.pack(signs > 0), signs.shape[1], ids)

    @property
    def bits01(self) -> Bits:
        """(N, bits) uint8 of {0,1}, unpacked anew."""
        return packing.unpack(self.packed, self.bits)

    @property
    def signs(self) -> NDArray[np.int8]:
        """(N, bits) int8 of {-1,+1}, unpacked anew."""
        return 2 * self.bits01.view(np.int8) - np.int8(1)

    def __len__(self) -> int:
        return len(self.packed)


def _array(field: str, value: Any) -> NDArray[Any]:
    if not isinstance(value, np.ndarray):
        raise UserError(f"{field}: expected a numpy array, got {type(value).__name__}")
    return value


def _frozen(array: NDArray[Any]) -> NDArray[Any]:
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def _checked_ids(ids: Sequence[Hashable] | None, rows: int) -> tuple[Hashable, ...] | None:
    if ids is None:
        return None
    ids = tuple(ids)
    if len(ids) != rows:
        raise UserError(f"ids: expected {rows}, one for each row, got {len(ids)}")
    if len(set(ids)) != rows:
        (repeated, times), *_ = Counter(ids).most_common(1)
        raise UserError(f"ids: expected unique ids, got {repeated!r} {times} times")
    return ids


def _set(batch: object, **fields: Any) -> None:
    for name, value in fields.items():
        object.__setattr__(batch, name, value)
