"""Detrended price oscillator: x of period // 2 + 1 bars ago less the simple mean of the last `period` values.

Both are known at the bar: the mean, drawn around the older value, is not shifted back on the chart. First at bar
max(period, period // 2 + 2); 0 in a flat window. Units of its input. TA-Lib: DPO, but with a mean that does not drift.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_mean
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, *window_mean.slots("mean", (1,)), Slot("ring", (1,), per=lambda p: p.period // 2 + 1))
push = window_mean.push
size = window_mean.size


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    shift = period // 2 + 1
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        seen = int(s[0])
        place = 1 + size(period) + seen % shift
        mean = push(s[1:], seen, x[i], period)
        if seen >= max(period - 1, shift):
            out[i, to] = s[place] - mean
        s[place] = x[i]
        s[0] += 1
