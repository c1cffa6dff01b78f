"""Forecast oscillator: 100 * (x - forecast) / x, the forecast made one bar before.

Forecast: the regression line through the `period` values before x, at x's place. First at bar period + 1; 0 where x
is 0, and in a flat window. Percent. TA-Lib: FOSC, but with a line that does not drift. Source: Chande, Kroll 1994.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_line
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("forecast", (1,)), *window_line.slots("line", (1,)))
push = window_line.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] >= period:
            out[i, to] = 100.0 * (x[i] - s[1]) / x[i] if x[i] != 0.0 else 0.0
        anchor, total, tilt = push(s[2:], int(s[0]), x[i], period)
        s[1] = anchor + (total * (period - 1) + 3.0 * tilt) / (period * (period - 1))
        s[0] += 1
