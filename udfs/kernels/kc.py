"""Keltner channels: EMA of the typical price (high + low + close) / 3, and `width` average true ranges either side.

The EMA has weight 2 / (period + 1), the true range Wilder's over `atr_period`. As TA-Lib has it, the quicker of the two
starts late, so that both are first seen at bar max(period, atr_period + 1), each seeded by the mean of its inputs that
end there; all three outputs start there. Units of price. TA-Lib: KC. Others take the EMA of the close.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ema, wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("middle", (1,)), Slot("last", (0, 0, 1)), Slot("range", (1,)))
smooth = ema.smooth
slow = wilder.smooth
true_range = wilder.true_range


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int,
    atr_period: int, width: float,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+3] (upper, middle, lower); a bar with a NaN is skipped."""
    first = max(period - 1, atr_period)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        seen = int(s[0])
        n, ranges = seen - first + period, seen - first + atr_period
        if n > 0:
            s[1] = smooth(n, s[1], (high[i] + low[i] + close[i]) / 3.0, period)
        if ranges > 0:
            s[3] = slow(ranges, s[3], true_range(high[i], low[i], s[2]), atr_period)
        s[0] += 1
        s[2] = close[i]
        if seen >= first:
            band = s[3] * width
            out[i, to], out[i, to + 1], out[i, to + 2] = s[1] + band, s[1], s[1] - band
