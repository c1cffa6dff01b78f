"""Rolling volume-weighted average price of the last `period` bars, with bands of 1 and 2 standard deviations.

The typical price (high + low + close) / 3 weighted by volume; the deviation is the root of its volume-weighted variance
(divided by the window's volume, as the mean is). First at bar `period`; a window without any volume has no value, where
the price stood still all five are equal. Units of price. Unlike TA-Lib's VWAP, which starts once and never forgets,
this one has a window. Source: Berkowitz, Logue, Noser 1988 for the average.
"""

import math

from udfs.compiled import njit
from udfs.kernels import volume_moments
from udfs.kernels.state import Floats, Rows

STATE = volume_moments.layout((1, 0, 0, 0), (0, 0, 0, 1))
push = volume_moments.push


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, volume: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From high, low, close, volume float64[M] to out[M, to:to+5] (vwap, +1, -1, +2, -2); a NaN skips the bar."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 5] = math.nan
        if math.isnan(high[i] + low[i] + close[i] + volume[i]):
            continue
        weight, mean, moment = push(s, (high[i] + low[i] + close[i]) / 3.0, volume[i], period)
        if s[0] >= period and weight > 0.0:
            band = math.sqrt(moment / weight)
            out[i, to], out[i, to + 1], out[i, to + 2] = mean, mean + band, mean - band
            out[i, to + 3], out[i, to + 4] = mean + 2.0 * band, mean - 2.0 * band
