"""Autocorrelation at lag 1 of the last `period` values: Pearson's correlation of its period - 1 pairs of neighbours.

Each side of the pairs has its own mean, as pandas' autocorr(1) of the window has it (the estimators of time-series
books take one mean for both). First when `period` values are there, within -1 to 1; 0 where one side does not move.
"""

import math

from udfs.compiled import njit
from udfs.kernels import comoments, correl
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1,)), *comoments.layout((1,), (1,), per=lambda p: p.period - 1))
push, ratio = comoments.push, correl.ratio


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] > 0:
            xx, xy, yy = push(s[2:], s[1], x[i], period - 1)
            if s[0] >= period - 1:
                out[i, to] = ratio(xx, xy, yy)
        s[0] += 1
        s[1] = x[i]
