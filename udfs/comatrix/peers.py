"""The nearest and the farthest of a member's correlations, exactly, ties to the first column.

In: a member's sums of products with all. Out: columns and correlations. A correlation is computed where it is looked
at and never kept. A guess of the last one's value spares most of the work: where too few columns reach it, it was too
high and the next is lower, so no guess changes a result, and none is in a checkpoint. This file knows no bars.
"""

import math

import numpy as np
from numpy.typing import NDArray

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

Flags = NDArray[np.uint8]
START, MARGIN, STEP = 1.0, 0.02, 0.04  # the first guess, how far the next is below what was found, and below a miss


@njit
def nearest(
    row: Floats, flags: Flags, columns: Rows, offset: Floats, inverse: Floats, i: int, guess: Floats,
    ids: Rows, values: Floats,
) -> None:  # fmt: skip
    """Largest first into ids[0], smallest first into ids[1], int64[2, top]: -1 and NaN where there are fewer.

    row float64[N]: member i's sums of products; flags uint8[N rounded up to eights], zeros behind N, and columns
    int64[N + 1]: room to work; guess float64[2, 2]: of either side the guess and its margin, replaced by the next.
    """
    top, step, counts = ids.shape[1], STEP, np.zeros(2, np.int64)
    short = not math.isnan(inverse[i])
    ids[:], values[:] = -1, -np.inf
    while short:
        found = _candidates(row, flags, offset, inverse, i, guess, columns)
        _best(row, columns[:found], offset, inverse, i, guess, ids, values, counts)
        short = False
        for side in range(2):
            if counts[side] < top and guess[side, 0] > -np.inf:
                short = True
                guess[side, 0] = guess[side, 0] - step if guess[side, 0] > -1.0 else -np.inf
                guess[side, 1] = min(0.3, 1.25 * guess[side, 1])
        step *= 2
    for side in range(2):
        if counts[side] > 1.6 * top:
            guess[side, 1] *= 0.9
        if ids[side, top - 1] >= 0:
            guess[side, 0] = values[side, top - 1] - guess[side, 1]
        for k in range(top):
            values[side, k] = math.nan if ids[side, k] < 0 else 0.0 + (1 - 2 * side) * values[side, k]


@njit
def _candidates(
    row: Floats, flags: Flags, offset: Floats, inverse: Floats, i: int, guess: Floats, columns: Rows
) -> int:  # fmt: skip
    """Put the columns that reach either guess into `columns`, and count them; eight in one look."""
    own, scale, high, low, found = offset[i], inverse[i], guess[0, 0], -guess[1, 0], 0
    for j in range(row.size):
        value = (row[j] - own * offset[j]) * (scale * inverse[j])
        flags[j] = (value >= high) | (value <= low)
    flags[i] = 0
    eights = flags.view(np.uint64)
    for k in range(eights.size):
        if eights[k]:
            for j in range(8 * k, 8 * k + 8):
                columns[found] = j
                found += flags[j]
    return found


@njit
def _best(
    row: Floats, columns: Rows, offset: Floats, inverse: Floats, i: int, guess: Floats, ids: Rows, values: Floats,
    counts: Rows,
) -> None:  # fmt: skip
    """Of the candidates, those in front; counts: how many reached each guess."""
    ids[:], values[:], counts[:] = -1, -np.inf, 0
    own, scale, high, low = offset[i], inverse[i], guess[0, 0], guess[1, 0]
    for j in columns:
        value = (row[j] - own * offset[j]) * (scale * inverse[j])
        if value >= high:
            counts[0] += 1
            _offer(min(1.0, value), j, ids[0], values[0])
        if -value >= low:
            counts[1] += 1
            _offer(min(1.0, -value), j, ids[1], values[1])


@njit
def _offer(value: float, column: int, ids: Rows, values: Floats) -> None:
    """Put a value at its place, if it is among the first; columns come in ascending order."""
    place = ids.size - 1
    if not value > values[place]:
        return
    while place > 0 and values[place - 1] < value:
        ids[place], values[place] = ids[place - 1], values[place - 1]
        place -= 1
    ids[place], values[place] = column, value
