"""Change of a value over `period` bars: momentum x - x', rates of it, or x' itself (the value `period` bars ago).

ROC = (x / x' - 1) * 100, ROCP = (x - x') / x', ROCR = x / x', ROCR100 = 100 * x / x'; the rates are 0 where x' is 0.
First at bar period + 1. MOM and `delay` have units of their input, the rates have none. TA-Lib: MOM, ROC, ROCP, ROCR,
ROCR100, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1,), per="period"))


@njit
def mom(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """Momentum x - x' from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = x[i] - _ago(state[rows[i], at:], x[i], period)


@njit
def delay(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The value of `period` bars ago from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _ago(state[rows[i], at:], x[i], period)


@njit
def roc(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """Change in percent from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        ago = _ago(state[rows[i], at:], x[i], period)
        out[i, to] = (x[i] / ago - 1.0) * 100.0 if ago != 0.0 else 0.0


@njit
def rocp(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """Change as a share of x' from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        ago = _ago(state[rows[i], at:], x[i], period)
        out[i, to] = (x[i] - ago) / ago if ago != 0.0 else 0.0


@njit
def rocr(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """Ratio x / x' from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        ago = _ago(state[rows[i], at:], x[i], period)
        out[i, to] = x[i] / ago if ago != 0.0 else 0.0


@njit
def rocr100(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """100 * x / x' from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        ago = _ago(state[rows[i], at:], x[i], period)
        out[i, to] = x[i] / ago * 100.0 if ago != 0.0 else 0.0


@njit
def _ago(s: Floats, x: float, period: int) -> float:
    """Keep x, and give the value of `period` bars ago or NaN."""
    if math.isnan(x):
        return math.nan
    seen = int(s[0])
    place = 1 + seen % period
    ago = float(s[place]) if seen >= period else math.nan
    s[place] = x
    s[0] += 1
    return ago
