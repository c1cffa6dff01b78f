"""Average directional index: Wilder's average of DX; and its rating: the mean of ADX now and period - 1 bars ago.

ADX is seeded by the mean of the first `period` values of DX (until then its slot holds their sum), first output at bar
2 * period; the rating's is at bar 3 * period - 1. A bar whose DX does not exist (no range, no movement) counts as 0 in
the seed and leaves the average as it is later. 0 to 100, no unit. Source: Wilder 1978. TA-Lib: ADX, ADXR, the same
operations in the same order (TA-Lib's threshold of 1e-14 is 0 here, so that a split changes nothing).
"""

import math

from udfs.compiled import njit
from udfs.kernels import directional
from udfs.kernels.state import Floats, Rows, Slot

STATE = (*directional.STATE, Slot("average"))
RATING = (*STATE, Slot("ring", per=lambda p: p.period - 1))
VALUE, RING = directional.SIZE, directional.SIZE + 1
take, index = directional.take, directional.index


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """ADX from high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _average(state[rows[i], at:], high[i], low[i], close[i], period)


@njit
def rating(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """ADXR from high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        now = _average(s, high[i], low[i], close[i], period)
        out[i, to] = math.nan
        if math.isnan(now):
            continue
        seen = int(s[0])
        place = RING + seen % (period - 1)
        if seen >= 3 * period - 1:
            out[i, to] = (now + s[place]) / 2.0
        s[place] = now


@njit
def _average(s: Floats, high: float, low: float, close: float, period: int) -> float:
    """Take one bar in: ADX, or NaN."""
    if math.isnan(high + low + close):
        return math.nan
    take(s, high, low, close, period)
    indices = int(s[0]) - period
    if indices < 1:
        return math.nan
    value = index(s)
    if indices <= period:
        s[VALUE] += 0.0 if math.isnan(value) else value
        if indices == period:
            s[VALUE] /= period
    elif not math.isnan(value):
        s[VALUE] = (s[VALUE] * (period - 1) + value) / period
    return float(s[VALUE]) if indices >= period else math.nan
