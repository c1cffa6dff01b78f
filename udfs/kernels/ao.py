"""Awesome oscillator: simple mean(fast) - mean(slow) of the median price (high + low) / 2.

First at bar max(fast, slow); 0 in a flat window. Units of price. TA-Lib: AO, but with means that do not drift; with
fast > slow the sign turns, as there. Source: Williams 1998.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_mean
from udfs.kernels.state import COUNT, Floats, Rows

MEANS = (*window_mean.slots("fast", (1,), "fast"), *window_mean.slots("slow", (1,), "slow"))
STATE = (COUNT, *MEANS)
push_mean = window_mean.push
mean_size = window_mean.size


@njit
def push(s: Floats, n: int, median: float, fast: int, slow: int) -> float:
    """Take the median of bar n (from 0) into the two means at s: their difference."""
    short = push_mean(s, n, median, fast)
    return short - push_mean(s[mean_size(fast) :], n, median, slow)


@njit
def size(fast: int, slow: int) -> int:
    """Slots of the two means."""
    return mean_size(fast) + mean_size(slow)


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, fast: int, slow: int
) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        value = push(s[1:], int(s[0]), (high[i] + low[i]) / 2.0, fast, slow)
        s[0] += 1
        if s[0] >= max(fast, slow):
            out[i, to] = value
