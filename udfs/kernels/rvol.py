"""Relative volume: the bar's volume over the mean volume of the `period` bars before it, itself not included.

First at bar period + 1; 1 for a constant volume. Where the bars before traded nothing there is no value (NaN; TA-Lib
gives infinity, or NaN if the bar traded nothing either). Has no unit. TA-Lib: RVOL, but with sums that do not drift.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("before", (1,)), *window_sum.slots("volume", (1,)))
push = window_sum.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] (volume) to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] >= period and s[1] > 0.0:
            out[i, to] = x[i] / (s[1] / period)
        s[1] = push(s[2:], int(s[0]), x[i], period)
        s[0] += 1
