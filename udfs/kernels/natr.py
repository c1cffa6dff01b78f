"""Normalised average true range: 100 * ATR / close, in percent of the close; 0 where the close is 0.

ATR is Wilder's, seeded by the mean of the first `period` true ranges (see atr.py); first output at bar period + 1.
TA-Lib: NATR, whose period 1 is the true range in units of price, so here the period starts at 2. Source: Forman 2006.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (0, 0, 1)), Slot("average", (1,)))
smooth = wilder.smooth
true_range = wilder.true_range


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
        if s[0] > 0:
            s[2] = smooth(int(s[0]), s[2], true_range(high[i], low[i], s[1]), period)
        if s[0] >= period:
            out[i, to] = s[2] / close[i] * 100.0 if close[i] != 0.0 else 0.0
        s[0] += 1
        s[1] = close[i]
