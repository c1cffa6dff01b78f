"""Realised volatility a year from the trades inside the last `period` bars: the root of their mean realised variance
times the bars of a year.

First at bar `period`; 0 where the price stood still inside each of them. It sees every trade but not the step from one
bar to the next. A year as for `volatility`: 252 sessions of 6.5 hours. Source: Andersen, Bollerslev 1998.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_sum.slots("variance", (1,)))
push = window_sum.push


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, bars_per_year: float
) -> None:
    """From realised variance x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        total = push(s[1:], int(s[0]), x[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = math.sqrt(total / period * bars_per_year)
