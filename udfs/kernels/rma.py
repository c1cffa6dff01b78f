"""Wilder's moving average, also called smoothed or running: weight 1 / period, seeded by the mean of `period` values.

value = (value * (period - 1) + x) / period; first output at bar `period`. Until then the slot `value` holds the plain
sum. Units of its input. TA-Lib: RMA; the average within RSI, ATR and ADX. Source: Wilder 1978.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("value", (1,)))
smooth = wilder.smooth


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        s[1] = smooth(int(s[0]), s[1], x[i], period)
        if s[0] >= period:
            out[i, to] = s[1]
