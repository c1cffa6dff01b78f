"""Elder ray: bull power = high - EMA(period) of the close, bear power = low - the same average.

First at bar `period`, where the mean of the first closes seeds the average; both 0 while nothing moves. Units of
price. TA-Lib: ERI. Source: Elder 1993.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("average", (0, 0, 1)))


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to:to+2] (bull, bear); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        s[0] += 1
        s[1] = smooth(int(s[0]), s[1], close[i], period) if period > 1 else close[i]
        if s[0] >= period:
            out[i, to], out[i, to + 1] = high[i] - s[1], low[i] - s[1]
