"""Connors RSI: the mean of RSI(close, period), RSI(streak, streak_period) and the percent rank of the newest return.

Streak: bars in a row with a higher close, negative for lower ones, 0 where the close stays; its first value is that
of bar 2, and its RSI (Wilder's, as in rsi.py, 0 where nothing has moved) starts there. Percent rank: share, in %, of
the `rank` returns (change / close before) before the newest that are less than it. O(rank) plain comparisons a bar,
which for a hundred values take less time than a tree; hence no rank above 10,000. First when all three are there, 0
to 100, no unit; 0 for a series that never moved. TA-Lib has it in its sources to come, with this seed. Source:
Connors and Alvarez, An Introduction to ConnorsRSI, 2012.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("last", (1,)),
    Slot("gain", (1,)),
    Slot("loss", (1,)),
    Slot("streak"),
    Slot("streak_gain"),
    Slot("streak_loss"),
    Slot("ring", per="rank"),
)
RING = 7


@njit
def _wilder(s: Floats, n: int, change: float, period: int) -> float:
    """Take the n-th difference (from 1) into gain s[0] and loss s[1]: the RSI, meaningful from n = period on."""
    if n > period:
        s[0] *= period - 1
        s[1] *= period - 1
    if change < 0.0:
        s[1] -= change
    else:
        s[0] += change
    if n >= period:
        s[0] /= period
        s[1] /= period
    total = s[0] + s[1]
    return 100.0 * (s[0] / total) if total != 0.0 else 0.0


@njit
def _rank(ring: Floats, part: float) -> float:
    """Percentage of the ring that is less than this return."""
    less = 0
    for k in range(ring.size):
        less += ring[k] < part
    return 100.0 * less / ring.size


@njit
def _streak(before: float, change: float) -> float:
    """The streak of a bar whose close changed so."""
    if change > 0.0:
        return max(before, 0.0) + 1.0
    return min(before, 0.0) - 1.0 if change < 0.0 else 0.0


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, streak_period: int, rank: int
) -> None:
    """From x float64[M] > 0 to out[M, to], 0 to 100; a NaN input is skipped and gives NaN."""
    warm = max(period, streak_period + 1, rank + 1)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        n = int(s[0])
        if n > 0:
            change, before = x[i] - s[1], s[4]
            rsi = _wilder(s[2:4], n, change, period)
            s[4] = _streak(before, change)
            of_streak = _wilder(s[5:7], n - 1, s[4] - before, streak_period) if n > 1 else 0.0
            part = change / s[1]
            if n >= warm:
                out[i, to] = (rsi + of_streak + _rank(s[RING : RING + rank], part)) / 3.0
            s[RING + n % rank] = part
        s[0] += 1
        s[1] = x[i]
