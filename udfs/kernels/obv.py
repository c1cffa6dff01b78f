"""On-balance volume: volume added on a rising close, taken off on a falling one, starting with the first bar's.

From the first bar on. Units of volume. TA-Lib: OBV.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), Slot("balance", (0, 1)))


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] == 0 or close[i] > s[1]:
            s[2] += volume[i]
        elif close[i] < s[1]:
            s[2] -= volume[i]
        s[0] += 1
        s[1] = close[i]
        out[i, to] = s[2]
