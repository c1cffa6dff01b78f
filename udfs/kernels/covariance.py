"""Covariance (ddof 0) of two inputs over the last `period` bars; 0 where one of them does not move.

First at bar `period`; units of the one times those of the other. Pandas' default is ddof 1, which is this times
period / (period - 1). Amortised O(1), exact to a few ulp for ever: see comoments.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels import comoments
from udfs.kernels.state import Floats, Rows

STATE = comoments.layout((1, 0), (0, 1))
push = comoments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, y: Floats, out: Floats, to: int, period: int) -> None:
    """From x, y float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + y[i]):
            continue
        _, xy, _ = push(s, x[i], y[i], period)
        if s[0] >= period:
            out[i, to] = xy / period
