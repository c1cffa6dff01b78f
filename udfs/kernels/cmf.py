"""Chaikin money flow: sum of the money flow volume (see `ad`) of the last `period` bars over the sum of their volume.

Between -1 and 1, first at bar `period`; 0 in a window without volume, and bars without a range add only volume.
TA-Lib: CMF, but with sums that do not drift.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ad, window_sum
from udfs.kernels.state import COUNT, Floats, Rows

VOLUME = (0, 0, 0, 1)
STATE = (COUNT, *window_sum.slots("flow", VOLUME), *window_sum.slots("volume", VOLUME))
flow = ad.flow
push = window_sum.push
size = window_sum.size


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, volume: Floats, out: Floats, to: int,
    period: int,
) -> None:  # fmt: skip
    """From high, low, close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i] + volume[i]):
            continue
        n = int(s[0])
        flows = push(s[1:], n, flow(high[i], low[i], close[i], volume[i]), period)
        traded = push(s[1 + size(period) :], n, volume[i], period)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = flows / traded if traded > 0.0 else 0.0
