"""The line of least squares through the last `period` values against bars 0 (the oldest) to period - 1 (the newest).

slope and intercept are its own; `end` is its value at the newest bar, `ahead` at the next one (a forecast), `angle`
atan(slope) in degrees. First at bar `period`; a flat window has slope 0 and all levels equal, exactly. Units of the
input (the slope's a bar), but for the angle, which is of the bare number and so changes with the price's unit. TA-Lib:
LINEARREG, _SLOPE, _INTERCEPT, _ANGLE, TSF, which sum the window anew at each bar.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_line
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_line.slots("line", (1,)))
push = window_line.push


@njit
def _slope(tilt: float, period: int) -> float:
    return 6.0 * tilt / (period * (period * period - 1.0))


@njit
def level(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, bar: float) -> None:
    """From x float64[M] to out[M, to], the line's value `bar` bars from the window's middle; a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        anchor, total, tilt = push(s[1:], int(s[0]), x[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = anchor + (total / period + _slope(tilt, period) * bar)


@njit
def end(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The line at the newest bar, from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    level(state, at, rows, x, out, to, period, (period - 1) * 0.5)


@njit
def intercept(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The line at the oldest bar, from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    level(state, at, rows, x, out, to, period, -(period - 1) * 0.5)


@njit
def ahead(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The line at the next bar, from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    level(state, at, rows, x, out, to, period, (period + 1) * 0.5)


@njit
def slope(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The line's slope, from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        _, _, tilt = push(s[1:], int(s[0]), x[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = _slope(tilt, period)


@njit
def angle(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """The slope's angle in degrees, from x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    slope(state, at, rows, x, out, to, period)
    for i in range(rows.size):
        out[i, to] = math.atan(out[i, to]) * (180.0 / math.pi)
