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

    row float64[N]: member i's sums of products, which are overwritten; hints int64[2, top]: columns, -1 for none;
    flags uint8[N rounded up to eights], zeros behind N: 1 for a candidate of ids[0], 2 of ids[1], eight in one look.
    """
    own, scale, last = offset[i], inverse[i], ids.shape[1] - 1
    near, far, nearby, farther = ids[0], ids[1], values[0], values[1]
    highest, high = _again(row, offset, inverse, i, hints[0], 1.0, near, nearby)
    lowest, low = _again(row, offset, inverse, i, hints[1], -1.0, far, farther)
    for j in range(row.size):
        value = (row[j] - own * offset[j]) * (scale * inverse[j])
        row[j] = value
        flags[j] = (value >= high) | (value <= -low) << 1
    flags[i] = 0
    for side in range(2):
        for j in hints[side]:
            if j >= 0:
                flags[j] &= 2 - side
    eights = flags.view(np.uint64)
    for k in range(eights.size):
        if eights[k]:
            for j in range(8 * k, 8 * k + 8):
                if flags[j] & 1 and row[j] >= high:
                    highest = _offer(row[j], j, highest, near, nearby)
                    high = nearby[last] if highest > last else high
                if flags[j] & 2 and -row[j] >= low:
                    lowest = _offer(-row[j], j, lowest, far, farther)
                    low = farther[last] if lowest > last else low
    near[highest:], nearby[highest:] = -1, math.nan
    far[lowest:], farther[lowest:] = -1, math.nan
    for k in range(lowest):
        farther[k] = 0.0 - farther[k]


@njit
def _again(
    row: Floats, offset: Floats, inverse: Floats, i: int, hints: Rows, sign: float, ids: Rows, values: Floats
) -> tuple[int, float]:  # fmt: skip
    """Begin with the hints, where they are now: how many, and the bound that any other must reach."""
    count = 0
    for j in hints:
        if j >= 0 and not math.isnan(inverse[j]) and not math.isnan(inverse[i]):
            value = (row[j] - offset[i] * offset[j]) * (inverse[i] * inverse[j])
            count = _offer(sign * value, j, count, ids, values)
    return count, values[count - 1] if 0 < count == ids.size else -np.inf


@njit
def _offer(value: float, column: int, count: int, ids: Rows, values: Floats) -> int:
    """Put a value (at most 1 is meant) at its place, if it is among the first; how many there are now."""
    value, place = min(1.0, value), count
    if count == ids.size:
        place -= 1
        if value < values[place] or (value == values[place] and column > ids[place]):
            return count
    while place > 0 and (values[place - 1] < value or (values[place - 1] == value and ids[place - 1] > column)):
        ids[place], values[place] = ids[place - 1], values[place - 1]
        place -= 1
    ids[place], values[place] = column, value
    return min(count + 1, ids.size)
