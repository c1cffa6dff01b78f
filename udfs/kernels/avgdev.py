"""Average deviation: mean of |x - mean| over the last `period` values, first at bar `period`; 0 in a flat window.

Units of its input. TA-Lib: AVGDEV. Every new mean changes every deviation, so there is no exact O(1) form: each bar
costs two passes over the window, which is kept as a ring.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1,), per="period"))


@njit
def _deviation(window: Floats, anchor: float, period: int) -> float:
    """Mean absolute deviation; taken from an anchor within the window, so that a flat one gives exactly 0."""
    total = 0.0
    for value in window:
        total += value - anchor
    mean = total / period
    total = 0.0
    for value in window:
        total += abs(value - anchor - mean)
    return total / period


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[1 + int(s[0]) % period] = x[i]
        s[0] += 1
        if s[0] >= period:
            out[i, to] = _deviation(s[1 : 1 + period], x[i], period)
