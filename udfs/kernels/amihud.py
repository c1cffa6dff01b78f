"""Amihud's illiquidity: mean of |log return| / (close * volume) over the bars of the last `period` that traded.

The return is that since the close before, whether or not that bar traded; a bar without volume has no ratio and does
not count, a window of such bars has no value. First at bar period + 1. Units of 1 / money: often shown times 10^6. It
does not change with a split, for price times volume does not. 0 for prices that do not move. Source: Amihud 2002
(whose return is the simple one).
"""

import math

from udfs.compiled import njit
from udfs.kernels import volume_moments
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), *volume_moments.layout((-1, -1), (0, 0)))
push = volume_moments.push


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] > 0:
            traded = close[i] * volume[i]
            ratio = abs(math.log(close[i] / s[1])) / traded if traded > 0.0 else 0.0
            weight, mean, _ = push(s[2:], ratio, 1.0 if traded > 0.0 else 0.0, period)
            if s[0] >= period and weight > 0.0:
                out[i, to] = mean
        s[0] += 1
        s[1] = close[i]
