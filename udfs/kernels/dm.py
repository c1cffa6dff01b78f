"""Directional movement, plus and minus: Wilder's sum of the upward or the downward movement of each bar.

The first output is the plain sum of period - 1 movements; period 1 gives each bar's own. Units of price; a flat series
gives 0. Source: Wilder 1978. TA-Lib: PLUS_DM, MINUS_DM, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.directional import fade, movement
from udfs.kernels.state import COUNT, Floats, Rows, Slot

PLUS = (COUNT, Slot("high", (1, 0)), Slot("low", (0, 1)), Slot("plus", (1, 0)))
MINUS = (COUNT, Slot("high", (1, 0)), Slot("low", (0, 1)), Slot("minus", (0, 1)))


@njit
def plus(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _take(state[rows[i], at:], high[i], low[i], period, 0)


@njit
def minus(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _take(state[rows[i], at:], high[i], low[i], period, 1)


@njit
def _take(s: Floats, high: float, low: float, period: int, side: int) -> float:
    """Take one bar in: the sum of side 0 (plus) or 1 (minus), or NaN."""
    if math.isnan(high + low):
        return math.nan
    n = int(s[0])
    if n > 0:
        s[3] = fade(n, s[3], movement(high - s[1], s[2] - low)[side], period)
    s[0] += 1
    s[1], s[2] = high, low
    return float(s[3]) if n >= max(period - 1, 1) else math.nan
