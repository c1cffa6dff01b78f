"""Donchian channels: highest high, lowest low of the last `period` bars, this one included, and halfway between.

First at bar `period`. Units of price. TA-Lib: DONCHIAN.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_range.slots("range", (1,)))
push = window_range.push


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to:to+3] (upper, middle, lower); a bar with a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        highest, lowest = push(s[1:], high[i], low[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to], out[i, to + 1], out[i, to + 2] = highest, (highest + lowest) / 2.0, lowest
