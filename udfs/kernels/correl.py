"""Pearson's correlation of two inputs over the last `period` bars; 0 where one of them does not move.

First at bar `period`, within -1 to 1, has no unit. TA-Lib: CORREL, of prices as they are, not of returns; it calls a
product of the two moments below 1e-14 flat, which would not survive a split, so here only 0 is. A correlation within
rounding of 0, 1 or -1 is that: points on a line have equal correlations, which factors then rank as equal.
"""

import math

from udfs.compiled import njit
from udfs.kernels import comoments
from udfs.kernels.state import Floats, Rows

ROUNDING = 1e-14
STATE = comoments.layout((1, 0), (0, 1))
push = comoments.push


@njit
def ratio(xx: float, xy: float, yy: float) -> float:
    """The correlation of these moments and co-moment."""
    scale = math.sqrt(xx) * math.sqrt(yy)
    if abs(xy) <= ROUNDING * scale:
        return 0.0
    return xy / scale if abs(xy) < (1.0 - ROUNDING) * scale else math.copysign(1.0, xy)


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, y: Floats, out: Floats, to: int, period: int) -> None:
    """From x, y float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + y[i]):
            continue
        xx, xy, yy = push(s, x[i], y[i], period)
        if s[0] >= period:
            out[i, to] = ratio(xx, xy, yy)
