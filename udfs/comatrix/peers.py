"""The largest values of a row, exactly, ties to the first: a bound from the bar before spares most of the work."""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

CHUNK = 32


@njit
def nearest(row: Floats, sign: float, hint: Rows, ids: Rows, values: Floats) -> None:
    """Columns of the largest sign * row, largest first, into ids and values: -1 and NaN when there are fewer.

    hint: columns that were the largest, -1 for none. The smallest of them now is a bound: k values reach it.
    """
    bound, count, top = _bound(row, sign, hint), 0, ids.size
    for left in range(0, row.size, CHUNK):
        chunk = row[left : left + CHUNK]
        hits = 0
        for j in range(chunk.size):
            hits += sign * chunk[j] >= bound
        if hits == 0:
            continue
        for j in range(chunk.size):
            value = sign * chunk[j]
            if value >= bound and (count < top or value > values[count - 1]):
                count = min(count + 1, top)
                _insert(value, left + j, ids[:count], values[:count])
    ids[count:] = -1
    values[count:] = math.nan
    for k in range(count):
        values[k] *= sign


@njit
def _bound(row: Floats, sign: float, hint: Rows) -> float:
    bound = np.inf
    for j in hint:
        if j < 0 or math.isnan(row[j]):
            return -np.inf
        bound = min(bound, sign * row[j])
    return bound


@njit
def _insert(value: float, column: int, ids: Rows, values: Floats) -> None:
    """At its place behind all that are as large, over the last one."""
    place = ids.size - 1
    while place > 0 and values[place - 1] < value:
        ids[place], values[place] = ids[place - 1], values[place - 1]
        place -= 1
    ids[place], values[place] = column, value
