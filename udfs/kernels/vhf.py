"""Vertical horizontal filter: highest less lowest of the last `period` values over the sum of their absolute changes.

The first of these changes is from the value before the window. Large in a trend, at most 1; first at bar period + 1;
0 in a flat window. Has no unit. TA-Lib: VHF. Source: White 1991.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_path, window_range
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_path.SLOTS, *window_range.slots("range", (1,)))
push_path = window_path.push
path_size = window_path.size
push_range = window_range.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, path = push_path(s[1:], int(s[0]), x[i], period)
        highest, lowest = push_range(s[1 + path_size(period) :], x[i], x[i], period)
        if s[0] >= period:
            out[i, to] = (highest - lowest) / path if path > 0.0 else 0.0
        s[0] += 1
