"""KDJ: K is Wilder's average of the raw stochastic, D that of K, J = 3 K - 2 D.

Raw stochastic: 100 * (close - lowest low) / (highest high - lowest low) of `period` bars, 0 where these are equal.
Both averages, of periods `slow_k` and `slow_d`, are seeded by the mean of their own first inputs; all outputs start
together, at bar period + slow_k + slow_d - 2. K and D are 0 to 100, J leaves that range. TA-Lib: KDJ with matype RMA.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("k"), Slot("d"), *window_range.slots("range", (1,)))
push = window_range.push


@njit
def _average(n: int, value: float, x: float, period: int) -> float:
    """The next value when x is the n-th input (from 1): a sum while n < period, then Wilder's average."""
    if n < period:
        return value + x
    if n == period:
        return (value + x) / period
    return (value * (period - 1) + x) / period


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int,
    period: int, slow_k: int, slow_d: int,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+3] (K, D, J); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        highest, lowest = push(s[3:], high[i], low[i], period)
        s[0] += 1
        n = int(s[0]) - period + 1
        if n < 1:
            continue
        raw = (close[i] - lowest) / ((highest - lowest) / 100.0) if highest != lowest else 0.0
        s[1] = _average(n, s[1], raw, slow_k)
        n -= slow_k - 1
        if n >= 1:
            s[2] = _average(n, s[2], s[1], slow_d)
            if n >= slow_d:
                out[i, to], out[i, to + 1], out[i, to + 2] = s[1], s[2], 3.0 * s[1] - 2.0 * s[2]
