"""Relative volatility index: 100 * average deviation of rising bars / (that + that of falling bars); compare RSI.

Each bar's standard deviation (ddof 0) of the last `window` values counts as rising or falling as the value rose or
fell against the bar before, as neither if it did not move; both are averaged by Wilder's rule over `period`, seeded by
the mean of the first `period`. 50 while both averages are 0. First output at bar period + window - 1. 0 to 100.
TA-Lib: RVI. Source: Dorsey 1993.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments, wilder
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("last", (1,)),
    Slot("rising", (1,)),
    Slot("falling", (1,)),
    *part("spread", moments.STATE, "window"),
)
push = moments.push
smooth = wilder.smooth


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, window: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s[4:], x[i], window)
        s[0] += 1
        n = int(s[0]) - window + 1
        if n > 0:
            spread = math.sqrt(moment / window)
            s[2] = smooth(n, s[2], spread if x[i] > s[1] else 0.0, period)
            s[3] = smooth(n, s[3], spread if x[i] < s[1] else 0.0, period)
        s[1] = x[i]
        if n >= period:
            total = s[2] + s[3]
            out[i, to] = 100.0 * (s[2] / total) if total != 0.0 else 50.0
