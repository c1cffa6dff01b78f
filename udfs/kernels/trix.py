"""TRIX: change in percent from bar to bar of an exponential average of an average of an average.

Each average has weight 2 / (period + 1) and is seeded by the mean of the first `period` values that reach it; first
output at bar 3 * period - 1. 0 where the triple average before was 0. Has no unit. Source: Hutson 1983. TA-Lib: TRIX,
the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("once", (1,)), Slot("twice", (1,)), Slot("thrice", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        last, value = s[3], x[i]
        n = int(s[0])
        for stage in range(1, 4):
            s[stage] = smooth(n, s[stage], value, period)
            value = s[stage]
            if n < period:
                break
            n -= period - 1
        if s[0] > 3 * period - 2:
            out[i, to] = (value / last - 1.0) * 100.0 if last != 0.0 else 0.0
