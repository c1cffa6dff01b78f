"""Midprice: halfway between the highest high and the lowest low of the last `period` bars, first at bar `period`.

Units of price. TA-Lib: MIDPRICE. The state is that of Donchian channels, of which this is the middle.
"""

import math

from udfs.compiled import njit
from udfs.kernels import donchian, window_range
from udfs.kernels.state import Floats, Rows

STATE = donchian.STATE
push = window_range.push


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        highest, lowest = push(s[1:], high[i], low[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = (highest + lowest) / 2.0
