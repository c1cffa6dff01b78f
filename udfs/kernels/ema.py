"""Exponential moving average with weight 2 / (period + 1), seeded by the mean of the first `period` values.

value = (x - value) * weight + value; first output at bar `period`. Until then the slot `value` holds the plain sum.
Units of its input. TA-Lib: EMA (classic seed, no unstable period), the same operations in the same order.

Other seeds: the first value (`pandas`: ewm(adjust=False)), or none (`adjusted`: ewm(adjust=True)), where the n-th
weight is weight / (1 - (1 - weight) ** n), so that the value is the weighted mean of all so far. Both as pandas has
them with min_periods=period and ignore_na=True.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("value", (1,)))
MEAN, FIRST, ADJUSTED = range(3)


@njit
def weigh(n: int, value: float, x: float, period: int, weight: float) -> float:
    """The next value when x is the n-th input (from 1): a sum while n < period, their mean, then the average."""
    if n < period:
        return value + x
    if n == period:
        return (value + x) / period
    return (x - value) * weight + value


@njit
def smooth(n: int, value: float, x: float, period: int) -> float:
    """The same with the weight of the period."""
    return weigh(n, value, x, period, 2.0 / (period + 1))


@njit
def seeded(n: int, value: float, x: float, period: int, weight: float, seed: int) -> float:
    """As `weigh`, with a seed that is MEAN, FIRST or ADJUSTED; by the last two each n has a value."""
    if seed == MEAN:
        return weigh(n, value, x, period, weight)
    if n == 1:
        return x
    if seed == ADJUSTED:
        weight /= 1.0 - (1.0 - weight) ** n
    return (x - value) * weight + value


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, seed: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    weight = 2.0 / (period + 1)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        s[1] = seeded(int(s[0]), s[1], x[i], period, weight, seed)
        if s[0] >= period:
            out[i, to] = s[1]
