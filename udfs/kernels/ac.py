"""Accelerator oscillator: the awesome oscillator (see `ao`) less its simple mean of the last `signal` bars.

First at bar max(fast, slow) + signal - 1; 0 in a flat window. Units of price. TA-Lib: AC, but with means that do not
drift. Source: Williams 1998.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ao, window_mean
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *ao.MEANS, *window_mean.slots("signal", (1,), "signal"))
push = ao.push
size = ao.size
push_mean = window_mean.push


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int,
    fast: int, slow: int, signal: int,
) -> None:  # fmt: skip
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        value = push(s[1:], int(s[0]), (high[i] + low[i]) / 2.0, fast, slow)
        s[0] += 1
        n = int(s[0]) - max(fast, slow)
        if n < 0:
            continue
        mean = push_mean(s[1 + size(fast, slow) :], n, value, signal)
        if n >= signal - 1:
            out[i, to] = value - mean
