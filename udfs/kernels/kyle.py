"""Kyle's lambda: slope of the changes of the close on signed volume, over `period` bars, with an intercept.

The sign is by the tick rule on closes: that of the change, or of the last change there was where the close stays; 0
before the first. Slope: sum of dx dy / sum of dx dx, x the signed volume, y the change, d the deviation from the
window's mean. First at bar period + 1; a window whose signed volume does not vary has no value. Units of price per unit
of volume. Source: Kyle 1985; as a regression on bars, Hasbrouck 2009.
"""

import math

from udfs.compiled import njit
from udfs.kernels import comoments
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), Slot("sign"), *comoments.layout((0, 1), (1, 0)))
PAIRS = 3
push = comoments.push


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] > 0:
            change = close[i] - s[1]
            if change != 0.0:
                s[2] = 1.0 if change > 0.0 else -1.0
            xx, xy, _ = push(s[PAIRS:], s[2] * volume[i], change, period)
            if s[0] >= period and xx > 0.0:
                out[i, to] = xy / xx
        s[0] += 1
        s[1] = close[i]
