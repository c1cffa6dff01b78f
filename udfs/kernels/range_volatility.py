"""Volatility a bar (not annualised) from open, high, low, close: the root of a mean variance of the last `period` bars.

parkinson: ln(H/L)^2 / (4 ln 2) (Parkinson 1980). garman_klass: ln(H/L)^2 / 2 - (2 ln 2 - 1) ln(C/O)^2, the practical
form (Garman, Klass 1980). rogers_satchell: ln(H/C) ln(H/O) + ln(L/C) ln(L/O), which a drift does not bias (Rogers,
Satchell 1991). First at bar `period`. yang_zhang: variance of the overnight returns ln(O/C before) + k times that of
ln(C/O), both with ddof 1, + (1 - k) times Rogers and Satchell's mean, k = 0.34 / (1.34 + (n + 1) / (n - 1)) (Yang,
Zhang 2000); first at bar period + 1. The first three take no gaps between bars into account. 0 where no price moves,
as is a mean below 0, which bars whose open or close is outside high to low could have. Prices > 0; no unit.
"""

import math
from dataclasses import replace

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import COUNT, Floats, Rows, Slot

# logarithms of ratios have no unit, whatever the inputs have
STATE = tuple(replace(slot, powers=()) for slot in moments.MEAN_STATE)
RETURNS = tuple(replace(slot, powers=()) for slot in moments.STATE)
YANG_ZHANG = (COUNT, Slot("last_close", (0, 0, 0, 1)), *STATE, *RETURNS, *RETURNS)
LN2 = math.log(2.0)
push = moments.push
push_mean = moments.push_mean


@njit
def root_mean(s: Floats, variance: float, period: int) -> float:
    """Take a bar's variance into the state row s; the root of the window's mean, NaN while it fills."""
    mean = push_mean(s, variance, period)
    return math.sqrt(max(mean, 0.0)) if s[0] >= period else math.nan


@njit
def both_ends(o: float, h: float, low: float, c: float) -> float:
    """Rogers and Satchell's variance of one bar."""
    return math.log(h / c) * math.log(h / o) + math.log(low / c) * math.log(low / o)


@njit
def parkinson(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(high[i] + low[i]):
            span = math.log(high[i] / low[i])
            out[i, to] = root_mean(state[rows[i], at:], span * span / (4.0 * LN2), period)


@njit
def garman_klass(
    state: Floats, at: int, rows: Rows, o: Floats, high: Floats, low: Floats, c: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From open, high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(o[i] + high[i] + low[i] + c[i]):
            span, move = math.log(high[i] / low[i]), math.log(c[i] / o[i])
            variance = 0.5 * span * span - (2.0 * LN2 - 1.0) * move * move
            out[i, to] = root_mean(state[rows[i], at:], variance, period)


@njit
def rogers_satchell(
    state: Floats, at: int, rows: Rows, o: Floats, high: Floats, low: Floats, c: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From open, high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(o[i] + high[i] + low[i] + c[i]):
            out[i, to] = root_mean(state[rows[i], at:], both_ends(o[i], high[i], low[i], c[i]), period)


@njit
def yang_zhang(
    state: Floats, at: int, rows: Rows, o: Floats, high: Floats, low: Floats, c: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From open, high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    k = 0.34 / (1.34 + (period + 1.0) / (period - 1.0))
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(o[i] + high[i] + low[i] + c[i]):
            continue
        if s[0] > 0:
            inside = push_mean(s[2:], both_ends(o[i], high[i], low[i], c[i]), period)
            _, night = push(s[6 + period :], math.log(o[i] / s[1]), period)
            _, day = push(s[11 + 3 * period :], math.log(c[i] / o[i]), period)
            if s[0] >= period:
                out[i, to] = math.sqrt(max((night + k * day) / (period - 1.0) + (1.0 - k) * inside, 0.0))
        s[0] += 1
        s[1] = c[i]
