"""Market facilitation index: (high - low) / volume, what the price travels per unit traded; 0 for a bar without volume.

From the first bar on, one bar at a time. Units of price over volume. TA-Lib: MARKETFI. Source: Williams 1995.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT,)


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From high, low, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + volume[i]):
            continue
        s[0] += 1
        out[i, to] = (high[i] - low[i]) / volume[i] if volume[i] != 0.0 else 0.0
