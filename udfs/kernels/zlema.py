"""Zero-lag exponential moving average: EMA of 2 * x - x of (period - 1) // 2 bars ago.

Weight 2 / (period + 1), seeded by the mean of the first `period` such values; first output at bar
period + (period - 1) // 2. Units of its input. TA-Lib: ZLEMA. Source: Ehlers and Way 2010.
"""

import math

from udfs.compiled import njit
from udfs.kernels import ema
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("value", (1,)), Slot("ring", (1,), per=lambda p: (p.period - 1) // 2 + 1))
smooth = ema.smooth


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    lag = (period - 1) // 2
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        seen = int(s[0])
        s[2 + seen % (lag + 1)] = x[i]
        s[0] += 1
        if seen < lag:
            continue
        n = seen - lag + 1
        s[1] = smooth(n, s[1], 2.0 * x[i] - s[2 + (seen + 1) % (lag + 1)], period)
        if n >= period:
            out[i, to] = s[1]
