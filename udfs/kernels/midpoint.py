"""Midpoint: halfway between the largest and the smallest of the last `period` values, first at bar `period`.

Units of its input; a flat window gives its value. TA-Lib: MIDPOINT.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_range.slots("range", (1,)))
push = window_range.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        largest, smallest = push(s[1:], x[i], x[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = (largest + smallest) / 2.0
