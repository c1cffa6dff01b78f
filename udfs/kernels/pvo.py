"""Percentage volume oscillator: 100 * (EMA(fast) - EMA(slow)) / EMA(slow) of the volume.

Each average is seeded by the mean of its own first values (not as in MACD, where the fast one starts late); first
output at bar `slow`. The shorter period is the fast one, in whichever order they are given. 0 where the slow average
is 0. TA-Lib: PVO with matype EMA, the same operations in the same order (an average below 1e-14 is 0 there; an
absolute threshold would not survive a split, so here only 0 is).
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("fast", (1,)), Slot("slow", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: int, slow: int) -> None:
    """From x float64[M] (volume) to out[M, to], percent; a NaN input is skipped and gives NaN."""
    short, long = min(fast, slow), max(fast, slow)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        n = int(s[0])
        s[1] = smooth(n, s[1], x[i], short)
        s[2] = smooth(n, s[2], x[i], long)
        if n >= long:
            out[i, to] = (s[1] - s[2]) / s[2] * 100.0 if s[2] != 0.0 else 0.0
