"""Packing against Python's own integers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from binbench import UserError
from binbench.codes import packing

BITS01 = st.tuples(st.integers(0, 5), st.integers(1, 200)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 1))
)


@given(BITS01)
def test_words_are_the_integers_that_the_bits_spell(bits01: np.ndarray) -> None:
    rows, bits = bits01.shape
    packed = packing.pack(bits01)
    assert packed.shape == (rows, -(-bits // 64))
    for row, words in zip(bits01, packed, strict=True):
        spelled = sum(int(bit) << j for j, bit in enumerate(row))
        assert sum(int(word) << 64 * i for i, word in enumerate(words)) == spelled


@given(BITS01)
def test_round_trip(bits01: np.ndarray) -> None:
    assert np.array_equal(packing.unpack(packing.pack(bits01), bits01.shape[1]), bits01)
    assert np.array_equal(packing.unpack(packing.pack(bits01.astype(bool)), bits01.shape[1]), bits01)


@given(BITS01, st.integers(0, 2**64 - 1))
def test_padding_is_ignored_and_cleared(bits01: np.ndarray, noise: int) -> None:
    bits = bits01.shape[1]
    packed = packing.pack(bits01)
    padding = (2**64 - 1) ^ ((1 << (bits % 64 or 64)) - 1)
    dirty = packed.copy()
    dirty[:, -1] |= np.uint64(noise & padding)
    assert np.array_equal(packing.unpack(dirty, bits), bits01)
    assert np.array_equal(packing.cleared(dirty, bits), packed)
    assert packing.has_padding_set(dirty, bits) == bool(len(bits01) and noise & padding)
    assert packing.cleared(packed, bits) is packed


def test_bytes_are_a_view_in_order_of_significance() -> None:
    packed = np.array([[0x0807060504030201, 0xFF]], dtype="<u8")
    as_bytes = packing.as_bytes(packed)
    assert as_bytes.tolist() == [[1, 2, 3, 4, 5, 6, 7, 8, 255, 0, 0, 0, 0, 0, 0, 0]]
    assert np.shares_memory(as_bytes, packed)


def test_bytes_of_a_big_endian_machine_are_the_same() -> None:
    packed = np.array([[0x0807060504030201], [2]], dtype=np.uint64)
    assert np.array_equal(packing.as_bytes(packed.astype(">u8")), packing.as_bytes(packed))
    assert np.array_equal(packing.unpack(packed.astype(">u8"), 60), packing.unpack(packed, 60))


def test_strided_words_are_copied_right() -> None:
    packed = np.arange(12, dtype=np.uint64).reshape(3, 4)
    assert np.array_equal(packing.unpack(packed[::2, ::2], 128), packing.unpack(packed[::2, ::2].copy(), 128))


@pytest.mark.parametrize(
    ("bits01", "message"),
    [
        (np.array([[0, 2]], np.uint8), "bits01: expected 0 and 1 only, got 2"),
        (np.zeros((2, 3), np.float32), "bits01: expected a 2-D array of uint8 or bool, got 2-D float32"),
        (np.zeros(3, np.uint8), "bits01: expected a 2-D array of uint8 or bool, got 1-D uint8"),
        (np.zeros((3, 0), np.uint8), "bits: expected at least 1, got 0"),
    ],
)
def test_what_cannot_be_packed_is_named(bits01: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message):
        packing.pack(bits01)


@pytest.mark.parametrize(
    ("packed", "bits"),
    [(np.zeros((2, 2), np.uint64), 64), (np.zeros((2, 1), np.int64), 64), (np.zeros(2, np.uint64), 64)],
)
def test_wrong_words_are_refused(packed: np.ndarray, bits: int) -> None:
    with pytest.raises(UserError, match=r"packed: expected \(N, 1\) uint64 for 64 bits, got"):
        packing.unpack(packed, bits)
