"""Stochastic RSI: the fast stochastic of RSI(period), %K over the last `fast_k` values of it, %D the mean of `fast_d`.

%K = 100 * (RSI - lowest) / (highest - lowest), 0 where RSI did not move. A bar whose value is that of the bar before
leaves RSI as it is, for both averages fade alike; computed anew it would wobble by its last digits, and %K with it from
0 to 100. Both outputs start together at bar period + fast_k + fast_d - 1. Have no unit. Source: Chande, Kroll 1994.
TA-Lib: STOCHRSI with matype SMA (its RSI wobbles and its sums drift, these do not).
"""

import math

from udfs.compiled import njit
from udfs.kernels import gains, window_range
from udfs.kernels.moments import MEAN_STATE, push_mean
from udfs.kernels.parts import part
from udfs.kernels.state import Floats, Rows, Slot
from udfs.kernels.stochastic import percent

STATE = (
    *gains.STATE,
    Slot("rsi"),
    *window_range.slots("range", (), "fast_k"),
    *part("fast_d", MEAN_STATE, "fast_d", powers=()),
)
RSI, QUEUES = gains.SIZE, gains.SIZE + 1
take = gains.take
span, width = window_range.push, window_range.size


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, fast_k: int, fast_d: int
) -> None:
    """From x float64[M] to out[M, to:to+2] (%K, %D); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        moved = x[i] != s[1]
        take(s, x[i], period)
        if s[0] <= period:
            continue
        if moved or s[0] == period + 1:
            total = s[2] + s[3]
            s[RSI] = 100.0 * (s[2] / total) if total != 0.0 else 0.0
        highest, lowest = span(s[QUEUES:], s[RSI], s[RSI], fast_k)
        if s[0] < period + fast_k:
            continue
        k = percent(s[RSI], highest, lowest, 0.0)
        d = push_mean(s[QUEUES + width(fast_k) :], k, fast_d)
        if s[0] >= period + fast_k + fast_d - 1:
            out[i, to], out[i, to + 1] = k, d
