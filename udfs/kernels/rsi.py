"""Relative strength index: 100 * average gain / (average gain + average loss), Wilder's averages.

Seeded by the mean gain and loss of the first `period` differences, first output at bar period + 1; a series that
never moved gives 0. Until the seed is full the slots hold sums. TA-Lib: RSI, the same operations in the same order
(TA-Lib also calls averages below 1e-14 flat; an absolute threshold would not survive a split, so here only 0 is).

By the convention `simple` (Cutler's) the averages are plain means of the last `period` differences. While nothing
moved TradingView gives 100, and backtrader's RSI with `safediv` 50 (`neutral`).
"""

import math
from typing import Any

from udfs.compiled import njit
from udfs.kernels import gains, window_sum
from udfs.kernels.state import COUNT, Floats, Rows, Slot


def _ring(p: Any) -> int:
    return int(p.period * p.simple)


STATE = (
    COUNT,
    Slot("last", (1,)),
    *window_sum.slots("gain", (1,), _ring),
    *window_sum.slots("loss", (1,), _ring),
)
LOSS = 3
take, push = gains.take, window_sum.push


@njit
def take_window(s: Floats, x: float, period: int) -> tuple[float, float]:
    """Take x into the state row s: gains and losses of the last `period` differences; full once s[0] > period."""
    seen = int(s[0])
    change = x - s[1]
    s[0] += 1
    s[1] = x
    if seen == 0:
        return 0.0, 0.0
    gain = push(s[2:], seen - 1, max(0.0, change), period)
    return gain, push(s[LOSS + period :], seen - 1, max(0.0, -change), period)


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, simple: int, flat: float
) -> None:
    """From x float64[M] to out[M, to], 0 to 100; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if simple:
            gain, loss = take_window(s, x[i], period)
        else:
            take(s, x[i], period)
            gain, loss = s[2], s[3]
        if s[0] > period:
            total = gain + loss
            out[i, to] = 100.0 * (gain / total) if total != 0.0 else flat
