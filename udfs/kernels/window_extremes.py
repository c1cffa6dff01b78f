"""Largest and smallest of the last `period` values, and on which day of them it was: 1 the oldest, `period` today.

Of equal ones the oldest counts, as numpy's argmax. First at bar `period`. Values have the units of the input, days
none. Source: Kakushadze 2016, ts_max, ts_min, ts_argmax, ts_argmin. Amortised O(1): see extremes.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.state import Floats, Rows

STATE = extremes.STATE
push = extremes.push


@njit
def largest(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _extreme(state[rows[i], at:], x[i], period, 1.0)[0]


@njit
def smallest(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _extreme(state[rows[i], at:], x[i], period, -1.0)[0]


@njit
def day_of_largest(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 1 to period; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _extreme(state[rows[i], at:], x[i], period, 1.0)[1]


@njit
def day_of_smallest(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to], 1 to period; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _extreme(state[rows[i], at:], x[i], period, -1.0)[1]


@njit
def _extreme(s: Floats, x: float, period: int, sign: float) -> tuple[float, float]:
    """Take x in: the extreme of the full window and its day, or NaN."""
    if math.isnan(x):
        return math.nan, math.nan
    value, age = push(s, x, period, sign, True)
    return (value, float(period - age)) if s[0] >= period else (math.nan, math.nan)
