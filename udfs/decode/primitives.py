"""Avro's primitive values in bytes, compiled. A place that is negative is an error: minus its code in REASONS."""

import numpy as np
from numpy.typing import NDArray

from schemas.wire import REASONS
from udfs.compiled import njit

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]

NO_MAGIC, WRONG_SCHEMA, TRUNCATED, TRAILING_BYTES, BAD_VALUE, TOO_LARGE = (
    REASONS.index(reason)
    for reason in ("no_magic", "wrong_schema", "truncated", "trailing_bytes", "bad_value", "too_large")
)


@njit
def varint(data: Bytes, i: int, end: int) -> tuple[int, int]:
    """Zigzag number at i and the next place; at most 64 bits, never reading at or after end."""
    value = np.uint64(0)
    for shift in range(0, 70, 7):
        if i >= end:
            return 0, -TRUNCATED
        byte = np.uint64(data[i])
        i += 1
        value |= (byte & np.uint64(127)) << np.uint64(shift)
        if byte < 128:
            if shift == 63 and byte > 1:
                break
            return np.int64(value >> np.uint64(1)) ^ -np.int64(value & np.uint64(1)), i  # type: ignore[return-value]
    return 0, -BAD_VALUE


@njit
def word(data: Bytes, i: int, size: int) -> np.uint64:
    """Little-endian number of size bytes at i."""
    value = np.uint64(0)
    for j in range(size):
        value |= np.uint64(data[i + j]) << np.uint64(8 * j)
    return value


@njit
def is_utf8(data: Bytes, i: int, end: int) -> bool:
    """Whether data[i:end] is UTF-8 as Python reads it: shortest forms, no surrogates, at most U+10FFFF."""
    while i < end:
        lead = data[i]
        more = 0 if lead < 0x80 else 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        if 0x80 <= lead < 0xC2 or lead > 0xF4 or i + more >= end:
            return False
        low = 0xA0 if lead == 0xE0 else 0x90 if lead == 0xF0 else 0x80
        high = 0x9F if lead == 0xED else 0x8F if lead == 0xF4 else 0xBF
        for j in range(i + 1, i + 1 + more):
            if not low <= data[j] <= high:
                return False
            low, high = 0x80, 0xBF
        i += 1 + more
    return True
