"""Price oscillators: the fast exponential average less the slow one, as a price (APO) or in percent of the slow (PPO).

Weights 2 / (period + 1), each seeded by the mean of its own first `period` values, from the first bar on (in MACD the
fast one starts late). First output at bar max(fast, slow); the smaller period is the fast one in whatever order they
are given. PPO is 0 where the slow average is 0. TA-Lib: APO, PPO with matype EMA (the default of its catalogue), the
same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("fast", (1,)), Slot("slow", (1,)))


@njit
def absolute(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: int, slow: int) -> None:
    """APO from x float64[M] to out[M, to], units of x; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        near, far = _take(state[rows[i], at:], x[i], fast, slow)
        out[i, to] = near - far


@njit
def percentage(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: int, slow: int) -> None:
    """PPO from x float64[M] to out[M, to], no unit; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        near, far = _take(state[rows[i], at:], x[i], fast, slow)
        out[i, to] = (near - far) / far * 100.0 if far != 0.0 else 0.0


@njit
def _take(s: Floats, x: float, fast: int, slow: int) -> tuple[float, float]:
    """Take x in: the fast and the slow average, or NaN."""
    if math.isnan(x):
        return math.nan, math.nan
    s[0] += 1
    s[1] = smooth(int(s[0]), s[1], x, min(fast, slow))
    s[2] = smooth(int(s[0]), s[2], x, max(fast, slow))
    if s[0] < max(fast, slow):
        return math.nan, math.nan
    return float(s[1]), float(s[2])
