"""Williams' accumulation/distribution: the running sum of the close's way from the true low or high; no volume in it.

A rising close adds close - min(low, close before), a falling one close - max(high, close before), an equal one
nothing; 0 at the first bar. Units of price. The line never forgets its first bar: its level means nothing, its changes
do. TA-Lib: WAD, the same operations in the same order. Source: Achelis 2000.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1,)), Slot("line", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        if s[0] > 0 and close[i] > s[1]:
            s[2] += close[i] - min(low[i], s[1])
        elif s[0] > 0 and close[i] < s[1]:
            s[2] += close[i] - max(high[i], s[1])
        s[0] += 1
        s[1] = close[i]
        out[i, to] = s[2]
