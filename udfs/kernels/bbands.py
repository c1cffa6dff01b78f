"""Bollinger bands: simple mean of the last `period` values, and `width` standard deviations either side.

First at bar `period`; a flat window has all three equal. Units of its input. TA-Lib: BBANDS with matype SMA; its
deviations, as John Bollinger's, have ddof 0, those of the convention `sample`, as pandas' std(), ddof 1.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.STATE
push = moments.push


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, width: int, ddof: int
) -> None:
    """From x float64[M] to out[M, to:to+3] (upper, middle, lower); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(x[i]):
            continue
        mean, moment = push(s, x[i], period)
        if s[0] >= period:
            band = width * math.sqrt(moment / (period - ddof))
            out[i, to], out[i, to + 1], out[i, to + 2] = mean + band, mean, mean - band
