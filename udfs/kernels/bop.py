"""Balance of power: (close - open) / (high - low) of one bar, -1 to 1; 0 for a bar without a range.

From the first bar on. Has no unit. Source: Livshin 2001. TA-Lib: BOP (its threshold of 1e-14 is 0 here, so that a split
changes nothing).
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT,)


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From open, high, low, close float64[M] to out[M, to]; a bar with a NaN gives NaN."""
    for i in range(rows.size):
        height = high[i] - low[i]
        move = close[i] - opens[i]
        out[i, to] = math.nan
        if math.isnan(height + move):
            continue
        state[rows[i], at] += 1
        out[i, to] = move / height if height > 0.0 else 0.0
