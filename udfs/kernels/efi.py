"""Elder's force index: EMA(period) of the change of the close times the bar's volume.

Seeded by the mean of the first `period` products (the first bar has none), first output at bar period + 1; period 1
is the bare product. Units of price times volume; 0 while the close does not move. TA-Lib: EFI. Source: Elder 1993.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), Slot("average", (1, 1)))


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] > 0:
            force = (close[i] - s[1]) * volume[i]
            s[2] = smooth(int(s[0]), s[2], force, period) if period > 1 else force
            if s[0] >= period:
                out[i, to] = s[2]
        s[0] += 1
        s[1] = close[i]
