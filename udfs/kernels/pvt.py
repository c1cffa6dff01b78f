"""Price volume trend: the running sum of volume times the close's relative change; 0 at the first bar.

A close before of 0 adds nothing. Units of volume. The line never forgets its first bar: its level means nothing, its
changes do. TA-Lib: PVT, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), Slot("line", (0, 1)))


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[1] != 0.0:
            s[2] += (close[i] - s[1]) / s[1] * volume[i]
        s[0] += 1
        s[1] = close[i]
        out[i, to] = s[2]
