"""Slow stochastic: %K is the fast %K's mean over `slow_k` bars, %D the mean of that over `slow_d`.

Fast %K = 100 * (close - lowest low) / (highest high - lowest low) of the last `fast_k` bars, 0 where they have no
range (by the convention `talipp` 100). Both start together at bar fast_k + slow_k + slow_d - 2. Have no unit.
Source: Lane. TA-Lib: STOCH with matype SMA (its sums drift, these do not).
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.moments import MEAN_STATE, RING, push_mean
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows
from udfs.kernels.stochastic import percent

STATE = (
    COUNT,
    *window_range.slots("range", (1,), "fast_k"),
    *part("slow_k", MEAN_STATE, "slow_k", powers=()),
    *part("slow_d", MEAN_STATE, "slow_d", powers=()),
)
span, width = window_range.push, window_range.size


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats,
    out: Floats, to: int, fast_k: int, slow_k: int, slow_d: int, flat: float,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+2] (%K, %D); a bar with a NaN is skipped and gives NaN."""
    means = 1 + width(fast_k)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        s[0] += 1
        highest, lowest = span(s[1:], high[i], low[i], fast_k)
        if s[0] < fast_k:
            continue
        k = push_mean(s[means:], percent(close[i], highest, lowest, flat), slow_k)
        if s[0] < fast_k + slow_k - 1:
            continue
        d = push_mean(s[means + RING + slow_k :], k, slow_d)
        if s[0] >= fast_k + slow_k + slow_d - 2:
            out[i, to], out[i, to + 1] = k, d
