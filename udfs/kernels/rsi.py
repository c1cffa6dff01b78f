"""Relative strength index: 100 * average gain / (average gain + average loss), Wilder's averages.

Seeded by the mean gain and loss of the first `period` differences, first output at bar period + 1; a series that
never moved gives 0. Until the seed is full the slots hold sums. TA-Lib: RSI, the same operations in the same order
(TA-Lib also calls averages below 1e-14 flat; an absolute threshold would not survive a split, so here only 0 is).
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1,)), Slot("gain", (1,)), Slot("loss", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 0 to 100; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] > 0:
            _move(s, x[i] - s[1], period)
        s[0] += 1
        s[1] = x[i]
        if s[0] > period:
            total = s[2] + s[3]
            out[i, to] = 100.0 * (s[2] / total) if total != 0.0 else 0.0


@njit
def _move(s: Floats, change: float, period: int) -> None:
    """Take one difference into the averages; s[0] differences with this one."""
    if s[0] > period:
        s[2] *= period - 1
        s[3] *= period - 1
    if change < 0.0:
        s[3] -= change
    else:
        s[2] += change
    if s[0] >= period:
        s[2] /= period
        s[3] /= period
