"""Qstick: simple mean of close - open over the last `period` bars.

First at bar `period`; 0 where no bar has a body. Units of price. TA-Lib: QSTICK, but with a sum that does not drift.
Source: Chande, Kroll 1994.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_sum.slots("body", (1,)))
push = window_sum.push


@njit
def step(state: Floats, at: int, rows: Rows, opens: Floats, close: Floats, out: Floats, to: int, period: int) -> None:
    """From open, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(opens[i] + close[i]):
            continue
        total = push(s[1:], int(s[0]), close[i] - opens[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = total / period
