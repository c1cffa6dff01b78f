"""MACD with the weights it was published with: 0.15 (seed of 12 bars) less 0.075 (26), signal, and their difference.

The signal has weight 2 / (signal + 1). As in MACD the fast average starts late, so that both are first seen at bar 26,
and all three outputs start together at bar 25 + signal. Units of its input. Source: Appel 1979. TA-Lib: MACDFIX, the
same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("fast", (1,)), Slot("slow", (1,)), Slot("signal", (1,)))
FAST, SLOW = 12, 26
FAST_WEIGHT, SLOW_WEIGHT = 0.15, 0.075


@njit
def _weigh(n: int, value: float, x: float, period: int, weight: float) -> float:
    """The next value when x is the n-th input (from 1): a sum while n < period, their mean, then the average."""
    if n < period:
        return value + x
    if n == period:
        return (value + x) / period
    return (x - value) * weight + value


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, signal: int) -> None:
    """From x float64[M] to out[M, to:to+3] (line, signal, histogram); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        n = int(s[0])
        if n > SLOW - FAST:
            s[1] = _weigh(n - SLOW + FAST, s[1], x[i], FAST, FAST_WEIGHT)
        s[2] = _weigh(n, s[2], x[i], SLOW, SLOW_WEIGHT)
        if n < SLOW:
            continue
        line = s[1] - s[2]
        s[3] = smooth(n - SLOW + 1, s[3], line, signal)
        if n >= SLOW + signal - 1:
            out[i, to], out[i, to + 1], out[i, to + 2] = line, s[3], line - s[3]
