"""Drawdowns, as parts of the peak, 0 or negative: (x - peak) / peak.

`step`: of the newest value from the largest ever seen, from the first bar on; it never forgets a peak. `worst`: the
deepest from any value of the last `period` to a later one among them, first at bar `period`; 0 where none is lower than
one before. The window is cut in two as in `moments`: the suffixes of the last full block, and the present block's head,
each as its largest, smallest and worst fall, and joined by the fall from the older half's peak to the newer's trough.
Amortised O(1). x > 0; no unit. Source: by definition; Magdon-Ismail, Atiya 2004.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("peak", (1,)))
WORST_STATE = (
    COUNT,
    Slot("back_high", (1,)),
    Slot("back_low", (1,)),
    Slot("back_worst"),
    Slot("ring_high", (1,), per="period"),
    Slot("ring_low", (1,), per="period"),
    Slot("ring_worst", per="period"),
)


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] == 0 or x[i] > s[1]:
            s[1] = x[i]
        s[0] += 1
        out[i, to] = (x[i] - s[1]) / s[1]


@njit
def worst(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        fall = _push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = fall


@njit
def _push(s: Floats, x: float, period: int) -> float:
    """Take x into the state row s; the window's worst fall (meaningful once s[0] >= period)."""
    j = int(s[0]) % period
    if j == 0:
        _turn(s, period)
        s[1], s[2], s[3] = x, x, 0.0
    s[0] += 1
    s[4 + j] = x
    s[1], s[2] = max(s[1], x), min(s[2], x)
    s[3] = min(s[3], (x - s[1]) / s[1])
    if j == period - 1 or s[0] < period:
        return float(s[3])
    front = 5 + j
    across = (s[2] - s[front]) / s[front]
    return float(min(s[3], s[front + 2 * period], across))


@njit
def _turn(s: Floats, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first."""
    if s[0] == 0:
        return
    high = low = s[3 + period]
    deepest = 0.0
    for i in range(period - 1, -1, -1):
        x = s[4 + i]
        high, low = max(high, x), min(low, x)
        deepest = min(deepest, (low - x) / x)
        s[4 + i], s[4 + period + i], s[4 + 2 * period + i] = high, low, deepest
