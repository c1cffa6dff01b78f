"""Directional indicator, plus and minus: 100 * Wilder's sum of movement / Wilder's sum of true range.

First output at bar period + 1; 0 where there was no range at all. As in TA-Lib, period 1 gives the ratio of the one bar
without the factor 100. Has no unit. Source: Wilder 1978. TA-Lib: PLUS_DI, MINUS_DI, the same operations in the same
order (TA-Lib also calls a range below 1e-14 none; an absolute threshold would not survive a split, so here only 0 is).
"""

import math

from udfs.compiled import njit
from udfs.kernels import directional
from udfs.kernels.state import Floats, Rows

STATE = directional.STATE
take = directional.take


@njit
def plus(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _take(state[rows[i], at:], high[i], low[i], close[i], period, 4)


@njit
def minus(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _take(state[rows[i], at:], high[i], low[i], close[i], period, 5)


@njit
def _take(s: Floats, high: float, low: float, close: float, period: int, side: int) -> float:
    """Take one bar in: the indicator from the sum in slot `side`, or NaN."""
    if math.isnan(high + low + close):
        return math.nan
    take(s, high, low, close, period)
    if s[0] <= period:
        return math.nan
    if s[6] == 0.0:
        return 0.0
    ratio = float(s[side] / s[6])
    return 100.0 * ratio if period > 1 else ratio
