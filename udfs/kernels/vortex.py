"""Vortex: the way from the low before up to the high, and from the high before down to the low, over `period` bars.

Plus: |high - low before|, minus: |low - high before|, both over the sum of the true ranges, max(high - low,
|close before - high|, |close before - low|). First at bar period + 1; both 0 where the true ranges are all 0. Has no
unit. TA-Lib: VORTEX, but with sums that do not drift. Source: Botes, Siepman 2010.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder, window_sum
from udfs.kernels.state import COUNT, Floats, Rows, Slot

LAST = (Slot("last_high", (1,)), Slot("last_low", (1,)), Slot("last_close", (1,)))
SUMS = tuple(slot for name in ("plus", "minus", "range") for slot in window_sum.slots(name, (1,)))
STATE = (COUNT, *LAST, *SUMS)
push = window_sum.push
size = window_sum.size
true_range = wilder.true_range


@njit
def _push(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take a bar into the sums: the two indices."""
    n, start, width = int(s[0]) - 1, 4, size(period)
    plus = push(s[start:], n, abs(high - s[2]), period)
    minus = push(s[start + width :], n, abs(low - s[1]), period)
    total = push(s[start + 2 * width :], n, true_range(high, low, s[3]), period)
    if total > 0.0:
        return plus / total, minus / total
    return 0.0, 0.0


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to:to+2] (plus, minus); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        if s[0] > 0:
            plus, minus = _push(s, high[i], low[i], period)
            if s[0] >= period:
                out[i, to], out[i, to + 1] = plus, minus
        s[0] += 1
        s[1], s[2], s[3] = high[i], low[i], close[i]
