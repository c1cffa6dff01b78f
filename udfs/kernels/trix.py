"""TRIX: change in percent from bar to bar of an exponential average of an average of an average.

Each average has weight 2 / (period + 1) and is seeded by the mean of the first `period` values that reach it; first
output at bar 3 * period - 1. 0 where the triple average before was 0. Has no unit. Source: Hutson 1983. TA-Lib: TRIX,
the same operations in the same order. Other seeds: see ema.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels.cascade import push
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("once", (1,)), Slot("twice", (1,)), Slot("thrice", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, seed: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        last = s[3]
        if push(s, x[i], period, 3, seed) and s[0] > 3 * period - 2:
            out[i, to] = (s[3] / last - 1.0) * 100.0 if last != 0.0 else 0.0
