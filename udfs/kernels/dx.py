"""Directional movement index: 100 * |plus DI - minus DI| / (plus DI + minus DI), 0 to 100.

First output at bar period + 1. Where there was no range or no movement yet the value before stays, and 0 is the first
one. Has no unit. Source: Wilder 1978. TA-Lib: DX, the same operations in the same order (TA-Lib's threshold of 1e-14
is 0 here, so that a split changes nothing).
"""

import math

from udfs.compiled import njit
from udfs.kernels import directional
from udfs.kernels.state import Floats, Rows, Slot

STATE = (*directional.STATE, Slot("index"))
VALUE = directional.SIZE
take, index = directional.take, directional.index


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        take(s, high[i], low[i], close[i], period)
        if s[0] > period:
            value = index(s)
            if not math.isnan(value):
                s[VALUE] = value
            out[i, to] = s[VALUE]
