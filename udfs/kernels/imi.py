"""Intraday momentum index: 100 * gains / (gains + losses) of the last `period` bars, 0 to 100.

A bar's gain is close - open where that is above zero, its loss open - close. 50 where no bar of the window moved. First
at bar `period`. Has no unit. Source: Chande. TA-Lib: IMI.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows
from udfs.kernels.window_sum import push, slots

STATE = (COUNT, *slots("gain", (0, 1), "period"), *slots("loss", (1, 0), "period"))


@njit
def step(state: Floats, at: int, rows: Rows, opens: Floats, close: Floats, out: Floats, to: int, period: int) -> None:
    """From open, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        move = close[i] - opens[i]
        out[i, to] = math.nan
        if math.isnan(move):
            continue
        gain = push(s[1:], int(s[0]), max(move, 0.0), period)
        loss = push(s[2 + period :], int(s[0]), max(-move, 0.0), period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = 100.0 * (gain / (gain + loss)) if gain + loss > 0.0 else 50.0
