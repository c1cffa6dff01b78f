"""Volume bought less volume sold over volume, of the trades of the last `period` bars: the rolling tick imbalance.

Sides by the tick rule (Lee, Ready 1991), sums over the window before the division, so that a busy bar counts for more:
-1 to 1. First at bar `period`; 0 in a window without volume. Has no unit.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_sum.slots("signed", (1, 0)), *window_sum.slots("volume", (0, 1)))
push, size = window_sum.push, window_sum.size


@njit
def step(
    state: Floats, at: int, rows: Rows, signed: Floats, volume: Floats, out: Floats, to: int, period: int
) -> None:  # fmt: skip
    """From signed volume and volume, float64[M], to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(signed[i] + volume[i]):
            continue
        bought = push(s[1:], int(s[0]), signed[i], period)
        traded = push(s[1 + size(period) :], int(s[0]), volume[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = bought / traded if traded > 0.0 else 0.0
