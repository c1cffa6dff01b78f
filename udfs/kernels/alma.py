"""Arnaud Legoux moving average: the last `period` values weighted by a bell that stands near the newest.

The weight of value k (0 the oldest) is exp(-(k - m)^2 / (2 (period / sigma)^2)) with m = offset * (period - 1),
rounded down (as in Tulip and TA-Lib's sources; TradingView does not round unless told to). `offset` 0 puts the bell
on the oldest value, 1 on the newest; a larger `sigma` makes it narrower. O(period) a bar: a bell has no recursion
that does not drift. Weights are of differences from the newest value, so a flat window gives that value exactly.
First at bar `period`, units of its input. Source: Legoux and Kouzis-Loukas, ALMA, 2009.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1,), per="period"))


@njit
def _bell(period: int, sigma: float, offset: float) -> Floats:
    """The weights, oldest first; their sum is 1."""
    top, width = math.floor(offset * (period - 1)), period / sigma
    weights = np.empty(period)
    for k in range(period):
        weights[k] = math.exp(-((k - top) * (k - top)) / (2.0 * width * width))
    weights /= weights.sum()
    return weights


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, sigma: float, offset: float
) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    weights = _bell(period, sigma, offset)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[1 + int(s[0]) % period] = x[i]
        s[0] += 1
        if s[0] >= period:
            oldest = int(s[0]) % period
            above = 0.0
            for k in range(period):
                above += weights[k] * (s[1 + (oldest + k) % period] - x[i])
            out[i, to] = x[i] + above
