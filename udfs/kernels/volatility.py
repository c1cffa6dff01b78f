"""Realised volatility a year: sample standard deviation (ddof 1) of the last `period` returns, times sqrt(bars a year).

First when `period` returns are there; 0 for returns that are all equal. By the convention `population` ddof is
0, as in TA-Lib's STDDEV: then it is STDDEV * sqrt(bars_per_year).
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.STATE
push = moments.push


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, bars_per_year: float,
    ddof: int,
) -> None:  # fmt: skip
    """From x float64[M] (log returns) to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, moment = push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = math.sqrt(moment / (period - ddof)) * math.sqrt(bars_per_year)
