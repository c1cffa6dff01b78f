"""Money flow index: 100 * positive flow / (positive + negative flow) of the last `period` bars, 0 to 100.

Flow of a bar is typical price (high + low + close) / 3 times volume; it is positive if the typical price rose, negative
if it fell, none if it did not move, which means by no more than 1e-14 of the two prices added (relative, as TA-Lib has
it, since a third is rounded). 0 where nothing flowed. First at bar period + 1. Has no unit. TA-Lib: MFI (its sums
drift, these do not).
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot
from udfs.kernels.window_sum import push, slots

STATE = (
    COUNT,
    Slot("last", (1, 0, 0, 0)),
    *slots("positive", (1, 0, 0, 1), "period"),
    *slots("negative", (1, 0, 0, 1), "period"),
)
ROUNDING = 1e-14


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, volume: Floats,
    out: Floats, to: int, period: int,
) -> None:  # fmt: skip
    """From high, low, close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        typical = (high[i] + low[i] + close[i]) / 3.0
        if math.isnan(typical + volume[i]):
            continue
        n = int(s[0]) - 1
        if n >= 0:
            move = typical - s[1]
            flow = 0.0 if abs(move) <= ROUNDING * (typical + s[1]) else typical * volume[i]
            positive = push(s[2:], n, flow if move > 0.0 else 0.0, period)
            negative = push(s[3 + period :], n, flow if move < 0.0 else 0.0, period)
            if n + 1 >= period:
                total = positive + negative
                out[i, to] = 100.0 * (positive / total) if total > 0.0 else 0.0
        s[0] += 1
        s[1] = typical
