"""Aroon: how long ago the lowest low and the highest high of the last period + 1 bars were; and their difference.

100 for an extreme of this bar, 0 for one of `period` bars ago: 100 / period * (period - age); of equal extremes the
newer one counts, so a flat window gives 100, 100 and an oscillator of 0. First at bar period + 1. Has no unit.
Source: Chande 1995. TA-Lib: AROON (down, up), AROONOSC (up - down), the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (
    COUNT,
    *part("low", extremes.STATE, lambda p: p.period + 1, powers=(0, 1)),
    *part("high", extremes.STATE, lambda p: p.period + 1),
)
push, size = extremes.push, extremes.size


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to:to+2] (down, up); a bar with a NaN is skipped and gives NaN."""
    factor = 100.0 / period
    for i in range(rows.size):
        down, up = _ages(state[rows[i], at:], high[i], low[i], period)
        out[i, to], out[i, to + 1] = factor * (period - down), factor * (period - up)


@njit
def oscillator(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low float64[M] to out[M, to], -100 to 100; a bar with a NaN is skipped and gives NaN."""
    factor = 100.0 / period
    for i in range(rows.size):
        down, up = _ages(state[rows[i], at:], high[i], low[i], period)
        out[i, to] = factor * (down - up)


@njit
def _ages(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take one bar in: ages of the lowest low and the highest high in bars, or NaN."""
    if math.isnan(high + low):
        return math.nan, math.nan
    s[0] += 1
    down = push(s[1:], low, period + 1, -1.0, False)[1]
    up = push(s[1 + size(period + 1) :], high, period + 1, 1.0, False)[1]
    if s[0] <= period:
        return math.nan, math.nan
    return float(down), float(up)
