"""Average true range: Wilder's average of max(high - low, |close before - high|, |close before - low|).

Seeded by the mean of the first `period` true ranges (the first bar has none), first output at bar period + 1. Until
then the slot `average` holds the sum. Units of price. TA-Lib: ATR, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (0, 0, 1)), Slot("average", (1,)))
smooth, true_range = wilder.smooth, wilder.true_range


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
            out[i, to] = s[2]
        s[0] += 1
        s[1] = close[i]
