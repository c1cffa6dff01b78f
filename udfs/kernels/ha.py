"""Heikin-Ashi candles: close = (open + high + low + close) / 4, open = (open + close) / 2 of the candle before.

High and low are the bar's, with the candle's own open and close taken in. The first open is (open + close) / 2 of the
bar. From the first bar. Units of price; what came before halves with each bar. TA-Lib: HA, the same operations in the
same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("open", (1,)), Slot("close", (1,)))


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From open, high, low, close float64[M] to out[M, to:to+4], in that order; a bar with a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 4] = math.nan
        total = opens[i] + high[i] + low[i] + close[i]
        if math.isnan(total):
            continue
        s[1] = (s[1] + s[2]) / 2.0 if s[0] > 0 else (opens[i] + close[i]) / 2.0
        s[2] = total / 4.0
        s[0] += 1
        out[i, to], out[i, to + 3] = s[1], s[2]
        out[i, to + 1], out[i, to + 2] = max(high[i], s[1], s[2]), min(low[i], s[1], s[2])
