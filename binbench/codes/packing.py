"""Packed codes: {0,1} in rows of little-endian uint64 words, bit j of a row in word j // 64 at position j % 64."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from binbench.errors import UserError

Words = NDArray[np.uint64]
Bits = NDArray[np.uint8]

WORD = np.dtype("<u8")


def words_per_row(bits: int) -> int:
    """The uint64 words that hold a row of `bits` bits.

    Raises:
        UserError: `bits` is less than 1.
    """
    if bits < 1:
        raise UserError(f"bits: expected at least 1, got {bits}")
    return -(-bits // 64)


def pack(bits01: NDArray[Any]) -> Words:
    """(N, bits) of {0,1}, bool or uint8, as (N, ceil(bits / 64)) words; the bits that fill the last word are zero.

    Raises:
        UserError: `bits01` is not 2-D, not bool or uint8, has no columns, or holds another value.
    """
    if bits01.ndim != 2 or bits01.dtype not in (np.bool_, np.uint8):
        raise UserError(f"bits01: expected a 2-D array of uint8 or bool, got {bits01.ndim}-D {bits01.dtype}")
    if bits01.size and bits01.max() > 1:
        raise UserError(f"bits01: expected 0 and 1 only, got {bits01.max()}")
    return pack_unchecked(bits01)


def pack_unchecked(bits01: NDArray[Any]) -> Words:
    """As :func:`pack`, for what is known to be {0,1}."""
    rows, bits = bits01.shape
    if bits and bits % 64 == 0:
        return np.ascontiguousarray(np.packbits(bits01, axis=1, bitorder="little")).view(WORD)
    packed = np.zeros((rows, words_per_row(bits)), dtype=WORD)
    packed.view(np.uint8)[:, : -(-bits // 8)] = np.packbits(bits01, axis=1, bitorder="little")
    return packed


def unpack(packed: Words, bits: int) -> Bits:
    """(N, bits) uint8 of {0,1} from packed rows, whatever fills their last word.

    Raises:
        UserError: `packed` is not (N, ceil(bits / 64)) uint64.
    """
    check_words(packed, bits)
    return np.unpackbits(as_bytes(packed), axis=1, count=bits, bitorder="little")


def as_bytes(packed: Words) -> Bits:
    """Packed rows as (N, 8 · words) uint8, faiss' layout: a view of contiguous little-endian words, else a copy."""
    return np.ascontiguousarray(packed, dtype=WORD).view(np.uint8)


def has_padding_set(packed: Words, bits: int) -> bool:
    """Whether any bit that only fills the last word of a row is set."""
    return bool(bits % 64 and (packed[:, -1] & ~_last_mask(bits)).any())


def cleared(packed: Words, bits: int) -> Words:
    """Packed rows with the bits that fill the last word zero: `packed` itself where they are, else a copy.

    Raises:
        UserError: `packed` is not (N, ceil(bits / 64)) uint64.
    """
    check_words(packed, bits)
    if has_padding_set(packed, bits):
        packed = packed.copy()
        packed[:, -1] &= _last_mask(bits)
    return packed


def check_words(packed: Words, bits: int) -> None:
    """Raise :exc:`UserError` unless `packed` is (N, ceil(bits / 64)) uint64."""
    words = words_per_row(bits)
    if packed.ndim != 2 or packed.shape[1] != words or packed.dtype.kind != "u" or packed.dtype.itemsize != 8:
        raise UserError(f"packed: expected (N, {words}) uint64 for {bits} bits, got {packed.shape} {packed.dtype}")


def _last_mask(bits: int) -> np.uint64:
    return np.uint64((1 << (bits % 64 or 64)) - 1)
