"""Kaufman's adaptive moving average: an exponential one whose weight follows how straight the price has moved.

Efficiency = |x - x of `period` bars ago| over the sum of the |bar to bar moves| between; 1 where nothing moved.
Weight = (efficiency * (2/3 - 2/31) + 2/31) ** 2: between averages of 2 and of 30 bars, squared. The bar before the
first output is the seed; first output at bar period + 1. Period 1 is the input itself, from the first bar.
Units of its input. TA-Lib: KAMA (whose path is a running sum, off for a while
after an outlier; here it is exact). Source: Kaufman 1995.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("value", (1,)),
    Slot("ring", (1,), per="period"),
    *part("path", moments.MEAN_STATE),
)
SLOW = 2.0 / 31.0
FAST = 2.0 / 3.0
push_mean = moments.push_mean


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if period == 1:
            out[i, to] = x[i]
        elif s[0] > 0:
            _follow(s, x[i], period)
            if s[0] >= period:
                out[i, to] = s[1]
        s[2 + int(s[0]) % period] = x[i]
        s[0] += 1


@njit
def _follow(s: Floats, x: float, period: int) -> None:
    """Move the average to x, the bar after s[0] others."""
    n = int(s[0])
    last = s[2 + (n - 1) % period]
    path = push_mean(s[2 + period :], abs(x - last), period) * period
    if n < period:
        return
    straight = min(abs(x - s[2 + n % period]) / path, 1.0) if path > 0.0 else 1.0
    weight = straight * (FAST - SLOW) + SLOW
    value = s[1] if n > period else last
    s[1] = (x - value) * (weight * weight) + value
