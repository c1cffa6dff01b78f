"""Variance (ddof 0) of the last `period` values; and `deviation`: `width` times its root.

First at bar `period`; exactly 0 in a flat window. Units of the input squared, and of the input. Pandas' default is
ddof 1, which is this variance times period / (period - 1). TA-Lib: VAR, STDDEV; its sums are running ones, and what it
puts in units of rounding of the price squared is exact here.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.STATE
push = moments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], the variance; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = moment / period


@njit
def deviation(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, width: float) -> None:
    """From x float64[M] to out[M, to], `width` standard deviations; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = math.sqrt(moment / period) * width
