"""Volume-weighted moving average: sum of price * volume over sum of volume of the last `period` bars.

First at bar `period`; a window without volume has no value, one with a single price has that price exactly. Period 1
is the price, whatever the volume. Units of price. TA-Lib: VWMA (whose running sums drift).
"""

import math

from udfs.compiled import njit
from udfs.kernels import volume_moments
from udfs.kernels.state import Floats, Rows

STATE = volume_moments.layout((1, 0), (0, 1))
push = volume_moments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From x, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + volume[i]):
            continue
        total, mean, _ = push(s, x[i], volume[i], period)
        if period == 1:
            out[i, to] = x[i]
        elif s[0] >= period and total > 0.0:
            out[i, to] = mean
