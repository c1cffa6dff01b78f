"""One price for a bar, from the first bar on, in units of price; the state only counts bars.

Average (open + high + low + close) / 4, median (high + low) / 2, typical (high + low + close) / 3, weighted close
(high + low + 2 close) / 4. TA-Lib: AVGPRICE, MEDPRICE, TYPPRICE, WCLPRICE, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT,)


@njit
def _put(state: Floats, at: int, row: int, out: Floats, i: int, to: int, value: float) -> None:
    """Write the value, NaN for a bar that is skipped, and count the others."""
    out[i, to] = value
    if not math.isnan(value):
        state[row, at] += 1


@njit
def average(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From open, high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        _put(state, at, rows[i], out, i, to, (high[i] + low[i] + close[i] + opens[i]) / 4.0)


@njit
def median(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        _put(state, at, rows[i], out, i, to, (high[i] + low[i]) / 2.0)


@njit
def typical(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        _put(state, at, rows[i], out, i, to, (high[i] + low[i] + close[i]) / 3.0)


@njit
def weighted_close(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        _put(state, at, rows[i], out, i, to, (high[i] + low[i] + close[i] * 2.0) / 4.0)
