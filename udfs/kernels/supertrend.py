"""Supertrend: a line `width` average true ranges behind the middle of the bar, and on which side of it the trend is.

Bands (high + low) / 2 -+ width * ATR; each only ever closes in on the price, until the close before was beyond it. The
trend starts up (1) and turns down (-1) when a close falls below the lower band, up when one rises above the upper. The
line is the lower band while the trend is up, else the upper. ATR is Wilder's (see atr.py); first output at bar
period + 1. Outputs: the line in units of price, the trend. TA-Lib: SUPERTREND.

How long a start is remembered depends on the prices: the average forgets it, a trend only when it turns.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("last", (0, 0, 1)),
    Slot("average", (1,)),
    Slot("upper", (1,)),
    Slot("lower", (1,)),
    Slot("trend"),
)
smooth = wilder.smooth
true_range = wilder.true_range


@njit
def _turn(s: Floats, middle: float, band: float, close: float) -> None:
    """Move the bands and the trend; s[1] is the close before."""
    upper, lower = middle + band, middle - band
    first = s[5] == 0.0
    if first or upper < s[3] or s[1] > s[3]:
        s[3] = upper
    if first or lower > s[4] or s[1] < s[4]:
        s[4] = lower
    if first:
        s[5] = 1.0
    elif s[5] > 0.0 and close < s[4]:
        s[5] = -1.0
    elif s[5] < 0.0 and close > s[3]:
        s[5] = 1.0


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int,
    width: float,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+2] (line, trend); a bar with a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        seen = int(s[0])
        if seen > 0:
            s[2] = smooth(seen, s[2], true_range(high[i], low[i], s[1]), period)
        if seen >= period:
            _turn(s, (high[i] + low[i]) / 2.0, width * s[2], close[i])
            out[i, to], out[i, to + 1] = s[4] if s[5] > 0.0 else s[3], s[5]
        s[0] += 1
        s[1] = close[i]
