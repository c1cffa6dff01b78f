"""Chande momentum oscillator: 100 * (average gain - average loss) / (average gain + average loss), -100 to 100.

As in TA-Lib the averages are Wilder's, like RSI's (Chande's own were plain sums of a window): seeded by the means of
the first `period` differences, first output at bar period + 1; a series that never moved gives 0. Has no unit. TA-Lib:
CMO, the same operations in the same order (its threshold of 1e-14 is 0 here, so that a split changes nothing).
"""

import math

from udfs.compiled import njit
from udfs.kernels import gains
from udfs.kernels.state import Floats, Rows

STATE = gains.STATE
take = gains.take


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        take(s, x[i], period)
        if s[0] > period:
            total = s[2] + s[3]
            out[i, to] = 100.0 * ((s[2] - s[3]) / total) if total != 0.0 else 0.0
