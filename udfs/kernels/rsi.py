"""Relative strength index: 100 * average gain / (average gain + average loss), Wilder's averages.

Seeded by the mean gain and loss of the first `period` differences, first output at bar period + 1; a series that
never moved gives 0. Until the seed is full the slots hold sums. TA-Lib: RSI, the same operations in the same order
(TA-Lib also calls averages below 1e-14 flat; an absolute threshold would not survive a split, so here only 0 is).
"""

import math

from udfs.compiled import njit
from udfs.kernels import gains
from udfs.kernels.state import Floats, Rows

STATE = gains.STATE
take = gains.take


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 0 to 100; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        take(s, x[i], period)
        if s[0] > period:
            total = s[2] + s[3]
            out[i, to] = 100.0 * (s[2] / total) if total != 0.0 else 0.0
