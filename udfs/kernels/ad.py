"""Chaikin's accumulation/distribution line: the running sum of the money flow volume, from the first bar on.

Money flow volume: volume * ((close - low) - (high - close)) / (high - low), 0 for a bar without a range. Units of
volume. The line never forgets its first bar: its level means nothing, its changes do. TA-Lib: AD, the same
operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("line", (0, 0, 0, 1)))


@njit
def flow(high: float, low: float, close: float, volume: float) -> float:
    """Money flow volume of one bar, between -volume and volume."""
    spread = high - low
    if spread > 0.0:
        return ((close - low) - (high - close)) / spread * volume
    return 0.0


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, volume: Floats, out: Floats, to: int
) -> None:
    """From high, low, close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i] + volume[i]):
            continue
        s[0] += 1
        s[1] += flow(high[i], low[i], close[i], volume[i])
        out[i, to] = s[1]
