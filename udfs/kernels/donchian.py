"""Donchian channels: highest high, lowest low of the last `period` bars, this one included, and halfway between.

First at bar `period`. Units of price. TA-Lib: DONCHIAN.
"""

import math

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *part("highest", extremes.STATE), *part("lowest", extremes.STATE, powers=(0, 1)))
size = extremes.size
push_extreme = extremes.push


@njit
def push(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take a bar into the state row s; the window's highest high and lowest low."""
    highest, _ = push_extreme(s[1:], high, period, 1.0, False)
    lowest, _ = push_extreme(s[1 + size(period) :], low, period, -1.0, False)
    s[0] += 1
    return highest, lowest


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to:to+3] (upper, middle, lower); a bar with a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        highest, lowest = push(s, high[i], low[i], period)
        if s[0] >= period:
            out[i, to], out[i, to + 1], out[i, to + 2] = highest, (highest + lowest) / 2.0, lowest
