"""Fast stochastic: %K, the place of the close in the range of the last `fast_k` bars, and %D, its mean over `fast_d`.

%K = 100 * (close - lowest low) / (highest high - lowest low), 0 where the window has no range (by the convention
`talipp` 100). Both start together at bar fast_k + fast_d - 1. Have no unit. Source: Lane. TA-Lib: STOCHF with matype
SMA (its sums drift, these do not).
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.moments import MEAN_STATE, push_mean
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows
from udfs.kernels.stochastic import percent

STATE = (COUNT, *window_range.slots("range", (1,), "fast_k"), *part("fast_d", MEAN_STATE, "fast_d", powers=()))
span, width = window_range.push, window_range.size


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats,
    out: Floats, to: int, fast_k: int, fast_d: int, flat: float,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+2] (%K, %D); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        s[0] += 1
        highest, lowest = span(s[1:], high[i], low[i], fast_k)
        if s[0] < fast_k:
            continue
        k = percent(close[i], highest, lowest, flat)
        d = push_mean(s[1 + width(fast_k) :], k, fast_d)
        if s[0] >= fast_k + fast_d - 1:
            out[i, to], out[i, to + 1] = k, d
