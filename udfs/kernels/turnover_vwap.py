"""Volume-weighted average price of all trades of the last `period` bars, with bands of 1 and 2 standard deviations.

Turnover over volume, not the typical price of `rolling_vwap`; the deviation is that of the bars' own average prices,
weighted by volume (divided by the window's volume, as the mean is). First at bar `period`; a window without volume has
no value, a bar without volume does not count. Units of price. Source: Berkowitz, Logue, Noser 1988.
"""

import math

from udfs.compiled import njit
from udfs.kernels import volume_moments
from udfs.kernels.state import Floats, Rows

STATE = volume_moments.layout((1, 0, 0), (0, 1, 0))
push = volume_moments.push


@njit
def bands(out: Floats, i: int, to: int, mean: float, width: float) -> None:
    """Write the mean, and one and two widths beside it, to out[i, to:to+5] (mean, +1, -1, +2, -2)."""
    out[i, to], out[i, to + 1], out[i, to + 2] = mean, mean + width, mean - width
    out[i, to + 3], out[i, to + 4] = mean + 2.0 * width, mean - 2.0 * width


@njit
def step(
    state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, turnover: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From close (the price of a bar without volume), volume, turnover float64[M] to out[M, to:to+5]; a NaN skips."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 5] = math.nan
        if math.isnan(close[i] + volume[i] + turnover[i]):
            continue
        price = turnover[i] / volume[i] if volume[i] > 0.0 else close[i]
        weight, mean, moment = push(s, price, volume[i], period)
        if s[0] >= period and weight > 0.0:
            bands(out, i, to, mean, math.sqrt(moment / weight))
