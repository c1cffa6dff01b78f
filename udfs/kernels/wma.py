"""Weighted moving average of the last `period` values, weights 1 to `period`, the newest heaviest.

First at bar `period`. Units of its input. TA-Lib: WMA. How it stays exact: weighted.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels import weighted
from udfs.kernels.state import Floats, Rows

STATE = weighted.STATE
push = weighted.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        mean = push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = mean
