"""True range: the largest of high - low, |close before - high| and |close before - low|; from the second bar.

Units of price; 0 for a bar that does not move from the close before. TA-Lib: TRANGE. Source: Wilder 1978.
"""

import math

from udfs.compiled import njit
from udfs.kernels import wilder
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (0, 0, 1)))
true_range = wilder.true_range


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        if s[0] > 0:
            out[i, to] = true_range(high[i], low[i], s[1])
        s[0] += 1
        s[1] = close[i]
