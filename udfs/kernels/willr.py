"""Williams %R: how far the close is below the highest high of the last `period` bars, in percent of their range.

-100 (close at the lowest low) to 0 (at the highest high); 0 where the window has no range (talipp keeps the
value before). First at bar `period`. Has no unit. TA-Lib: WILLR, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_range.slots("range", (1,)))
span = window_range.push


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        s[0] += 1
        highest, lowest = span(s[1:], high[i], low[i], period)
        if s[0] >= period:
            out[i, to] = -100.0 * ((highest - close[i]) / (highest - lowest)) if highest > lowest else 0.0
