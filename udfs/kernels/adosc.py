"""Chaikin oscillator: EMA(fast) - EMA(slow) of the accumulation/distribution line (see `ad`).

Both averages are seeded by the line's first value; first output at bar max(fast, slow). As both weigh the line to 1,
its level cancels: kept here is how far each average is from the line, which falls by (1 - weight) a bar and moves by
the new money flow. So nothing grows with the length of the history. A constant line gives 0. Units of volume.
TA-Lib: ADOSC, which averages the line itself and is exact to the line's last digits only; with fast > slow the sign
turns, as there.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ad
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("fast", (0, 0, 0, 1)), Slot("slow", (0, 0, 0, 1)))
flow = ad.flow


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, volume: Floats, out: Floats, to: int,
    fast: int, slow: int,
) -> None:  # fmt: skip
    """From high, low, close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i] + volume[i]):
            continue
        if s[0] > 0:
            money = flow(high[i], low[i], close[i], volume[i])
            s[1] = (s[1] - money) * ((fast - 1) / (fast + 1))
            s[2] = (s[2] - money) * ((slow - 1) / (slow + 1))
        s[0] += 1
        if s[0] >= max(fast, slow):
            out[i, to] = s[1] - s[2]
