"""The nearest and the farthest of a member's correlations, exactly, ties to the first column.

In: a member's sums of products with all. Out: columns and correlations. A correlation is computed where it is looked
at and never kept. The peers of the bar before give bounds that all but a few fall short of: they spare most of the
work and change no result. This file knows no bars.
"""

import math

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

Flags = NDArray[np.uint8]


@njit
def nearest(
    row: Floats, flags: Flags, offset: Floats, inverse: Floats, i: int, hints: Rows, ids: Rows, values: Floats
) -> None:  # fmt: skip
    """Largest first into ids[0], smallest first into ids[1], int64[2, top]: -1 and NaN where there are fewer.

    row float64[N]: member i's sums of products, which are overwritten; flags uint8[N rounded up to eights], zeros
    behind N: 1 for a candidate of ids[0], 2 of ids[1], eight in one look; hints int64[2, 2 * top]: columns that may
    be among them, -1 for none, replaced by those that were, and others that nearly were.
    """
    own, scale = offset[i], inverse[i]
    high = _again(row, offset, inverse, i, hints[0], 1.0, ids[0], values[0])
    low = _again(row, offset, inverse, i, hints[1], -1.0, ids[1], values[1])
    for j in range(row.size):
        value = (row[j] - own * offset[j]) * (scale * inverse[j])
        row[j] = value
        flags[j] = (value >= high) | (value <= -low) << 1
    flags[i] = 0
    _best(row, flags, 1, 1.0, hints[0], ids[0], values[0])
    _best(row, flags, 2, -1.0, hints[1], ids[1], values[1])


@njit
def _again(
    row: Floats, offset: Floats, inverse: Floats, i: int, hints: Rows, sign: float, ids: Rows, values: Floats
) -> float:  # fmt: skip
    """Begin with the hints, where they are now: the bound that any other must reach."""
    ids[:], values[:] = -1, -np.inf
    for k in range(hints.size):
        j = hints[k]
        if j >= 0 and not math.isnan(inverse[j]) and not math.isnan(inverse[i]):
            value = (row[j] - offset[i] * offset[j]) * (inverse[i] * inverse[j])
            hints[k] = _offer(min(1.0, sign * value), j, ids, values)
    bound: float = values[-1]
    return bound


@njit
def _best(row: Floats, flags: Flags, bit: int, sign: float, hints: Rows, ids: Rows, values: Floats) -> None:
    """Go through the columns that have this bit; a hint's is taken off before, since it has had its turn."""
    eights, mask, top, spare = flags.view(np.uint64), np.uint64(bit * 0x0101010101010101), ids.size, 0
    for half in (ids, hints):
        for j in half:
            if j >= 0:
                flags[j] &= 3 - bit
    for k in range(eights.size):
        if eights[k] & mask:
            for j in range(8 * k, 8 * k + 8):
                if flags[j] & bit and sign * row[j] >= values[top - 1]:
                    hints[top + spare % top] = _offer(min(1.0, sign * row[j]), j, ids, values)
                    spare += 1
    for k in range(top):
        values[k] = math.nan if ids[k] < 0 else 0.0 + sign * values[k]
    hints[:top] = ids


@njit
def _offer(value: float, column: int, ids: Rows, values: Floats) -> int:
    """Put a value at its place, if it is among the first: the column that is out, -1 for none."""
    place = ids.size - 1
    out: int = ids[place]
    if value < values[place] or (value == values[place] and column > out >= 0):
        return column
    while place > 0 and (values[place - 1] < value or (values[place - 1] == value and ids[place - 1] > column)):
        ids[place], values[place] = ids[place - 1], values[place - 1]
        place -= 1
    ids[place], values[place] = column, value
    return out
