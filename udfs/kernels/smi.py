"""Stochastic momentum index: where the close is in the range of `period` bars, both smoothed twice, -100 to 100.

100 * EMA(fast) of EMA(slow) of (close - middle of the range), over half of the same averages of the range; `signal` is
its EMA. Each average is seeded by the mean of its own first inputs, and both outputs start together, at bar
period + fast + slow + signal - 3. 0 for a series that never moved. TA-Lib: SMI. Source: Blau 1993.
"""

import math

from udfs.compiled import njit
from udfs.kernels import tsi, window_range
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

AVERAGES = tuple(Slot(name, (1,)) for name in ("slow", "fast", "slow_range", "fast_range"))
STATE = (COUNT, *AVERAGES, Slot("signal"), *window_range.slots("range", (1,)))
push = window_range.push
twice = tsi.twice


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int,
    period: int, fast: int, slow: int, signal: int,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to:to+2] (index, signal); a bar with a NaN gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        highest, lowest = push(s[6:], high[i], low[i], period)
        s[0] += 1
        n = int(s[0]) - period + 1
        if n < 1:
            continue
        place = twice(s[1:], n, close[i] - (highest + lowest) * 0.5, slow, fast)
        width = twice(s[3:], n, highest - lowest, slow, fast) * 0.5
        n -= slow + fast - 2
        if n >= 1:
            index = 100.0 * place / width if width > 0.0 else 0.0
            s[5] = smooth(n, s[5], index, signal)
            if n >= signal:
                out[i, to], out[i, to + 1] = index, s[5]
