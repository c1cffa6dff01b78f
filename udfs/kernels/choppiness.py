"""Choppiness index: 100 * log10(sum of true ranges / (highest high - lowest low)) / log10(period), over `period` bars.

Near 0 in a straight trend, 100 where each bar covers the whole range, and above it where the window's first bar opens
with a gap; 100 also where highest and lowest are one (TA-Lib's rule in its sources to come; others have no value
there). The first bar of all has no true range, so it comes first at bar period + 1. It has no unit. The sum is the
drift-free mean of `moments`, extremes are by `window_range`: amortised O(1). Source: Dreiss 1993.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments, window_range
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("last", (0, 0, 1)),
    *part("true_range", moments.MEAN_STATE),
    *window_range.slots("range", (1,)),
)
push, push_mean, RING = window_range.push, moments.push_mean, moments.RING


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    ranges = 2 + RING + period
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        highest, lowest = push(s[ranges:], high[i], low[i], period)
        if s[0] > 0:
            mean = push_mean(s[2:], max(high[i], s[1]) - min(low[i], s[1]), period)
            if s[0] >= period:
                wide = highest > lowest and mean > 0.0
                share = math.log10(mean * period / (highest - lowest)) / math.log10(period) if wide else 1.0
                out[i, to] = 100.0 * share
        s[0] += 1
        s[1] = close[i]
