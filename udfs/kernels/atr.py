"""Average true range: Wilder's average of max(high - low, |close before - high|, |close before - low|).

Seeded by the mean of the first `period` true ranges (the first bar has none), first output at bar period + 1. Until
then the slot `average` holds the sum. Units of price. TA-Lib: ATR, the same operations in the same order.

By the convention `tradingview` (also talipp's) the first bar counts with high - low, so that it begins a bar earlier;
by `simple` (MetaTrader's) it is the plain mean of the last `period` true ranges.
"""

import math
from typing import Any

from udfs.compiled import njit
from udfs.kernels import wilder, window_sum
from udfs.kernels.state import COUNT, Floats, Rows, Slot


def _ring(p: Any) -> int:
    return int(p.period * p.simple)


STATE = (COUNT, Slot("last", (0, 0, 1)), *window_sum.slots("average", (1,), _ring))
smooth, true_range, push = wilder.smooth, wilder.true_range, window_sum.push


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int,
    simple: int, first: int,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        n = int(s[0]) + first
        if n > 0:
            reach = true_range(high[i], low[i], s[1]) if s[0] > 0 else high[i] - low[i]
            if simple:
                average = push(s[2:], n - 1, reach, period) / period
            else:
                average = s[2] = smooth(n, s[2], reach, period)
            if n >= period:
                out[i, to] = average
        s[0] += 1
        s[1] = close[i]
