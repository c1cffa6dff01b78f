"""Acceleration bands: simple averages of high * (1 + 4 r), close and low * (1 - 4 r), r = (high - low) / (high + low).

Over the last `period` bars, first at bar `period`; a bar with high + low = 0 counts with its high and low. Units of
price. TA-Lib: ACCBANDS. Source: Headley 2002.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (
    COUNT,
    *part("upper", moments.MEAN_STATE),
    *part("middle", moments.MEAN_STATE, powers=(0, 0, 1)),
    *part("lower", moments.MEAN_STATE, powers=(0, 1)),
)
RING = moments.RING
push_mean = moments.push_mean


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to:to+3] (upper, middle, lower); a bar with a NaN is skipped."""
    size = RING + period
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        both = high[i] + low[i]
        spread = 4.0 * (high[i] - low[i]) / both if both != 0.0 else 0.0
        upper = push_mean(s[1:], high[i] * (1.0 + spread), period)
        middle = push_mean(s[1 + size :], close[i], period)
        lower = push_mean(s[1 + 2 * size :], low[i] * (1.0 - spread), period)
        s[0] += 1
        if s[0] >= period:
            out[i, to], out[i, to + 1], out[i, to + 2] = upper, middle, lower
