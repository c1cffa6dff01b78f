"""Average range of a bar: simple mean of high - low over the last `period` bars, first at bar `period`.

Gaps between bars do not count, unlike in ATR. Units of price; 0 in a flat window. TA-Lib: ADR.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.MEAN_STATE
push_mean = moments.push_mean


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        mean = push_mean(s, high[i] - low[i], period)
        if s[0] >= period:
            out[i, to] = mean
