"""Variance of the last `period` values; and `deviation`: `width` times its root.

First at bar `period`; exactly 0 in a flat window. Units of the input squared, and of the input. Squares
are divided by `period` (ddof 0: TA-Lib, numpy) or, by the convention `sample`, by period - 1 (ddof 1: pandas, R), so a
sample of one has no value. TA-Lib: VAR, STDDEV; its sums are running ones, and what it puts in units of rounding of the
price squared is exact here.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.STATE
push = moments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, ddof: int) -> None:
    """From x float64[M] to out[M, to], the variance; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s, x[i], period)
        if s[0] >= period > ddof:
            out[i, to] = moment / (period - ddof)


@njit
def deviation(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, width: float, ddof: int
) -> None:
    """From x float64[M] to out[M, to], `width` standard deviations; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s, x[i], period)
        if s[0] >= period > ddof:
            out[i, to] = math.sqrt(moment / (period - ddof)) * width
