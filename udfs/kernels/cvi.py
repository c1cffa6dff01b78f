"""Chaikin's volatility: change in percent over `change` bars of the EMA of high - low; 0 where the old EMA is 0.

The EMA has weight 2 / (period + 1) and is seeded by the mean of the first `period` ranges; first output at bar
period + change. TA-Lib: CVI.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ema
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("value", (1,)), Slot("ring", (1,), per="change"))
smooth = ema.smooth


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int, change: int
) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        s[0] += 1
        s[1] = smooth(int(s[0]), s[1], high[i] - low[i], period)
        have = int(s[0]) - period
        if have < 0:
            continue
        old = s[2 + have % change]
        s[2 + have % change] = s[1]
        if have >= change:
            out[i, to] = 100.0 * ((s[1] - old) / old) if old != 0.0 else 0.0
