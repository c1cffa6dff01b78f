"""64-bit FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv): how a text becomes a number, the same in every process."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit

EMPTY_TEXT = 14695981039346656037  # the hash of no bytes, from which every other starts
PRIME = 1099511628211


@njit
def digest(data: NDArray[np.uint8], start: int, stop: int) -> tuple[np.uint64, bool]:
    """Hash of data[start:stop], and whether all of it is ASCII, which costs nothing beside the multiplications."""
    value, high = np.uint64(EMPTY_TEXT), np.uint8(0)
    for i in range(start, stop):
        value = (value ^ np.uint64(data[i])) * np.uint64(PRIME)
        high |= data[i]
    return value, bool(high < 128)


@cache
def fnv1a(text: str) -> int:
    """Hash of a text's UTF-8 bytes."""
    data = np.frombuffer(text.encode(), np.uint8)
    return int(digest(data, 0, len(data))[0])
