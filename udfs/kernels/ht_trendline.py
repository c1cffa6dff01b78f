"""Instantaneous trendline: the plain mean of the price over one dominant cycle, averaged by weights 4, 3, 2, 1.

The cycle is the dominant period (see hilbert.py), rounded to whole bars; means of bars before the seed are 0. Seeded at
bar 38, first at bar 64. Units of price. The mean is summed anew each bar, newest first, for its length changes: at most
50 additions. TA-Lib: HT_TRENDLINE, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert
from udfs.kernels.state import Floats, Rows, Slot

LONGEST, LATE, SMOOTH_PERIOD = hilbert.LONGEST, hilbert.LATE, hilbert.SMOOTH_PERIOD
TREND = (Slot("means", (1,), per=lambda _: 3), Slot("raw", (1,), per=lambda _: LONGEST))
STATE = (*hilbert.slots(6), *TREND)
PLACE = hilbert.SMOOTH + 6
push = hilbert.push


@njit
def trend(s: Floats, place: int, seen: int, period: float) -> float:
    """The trendline at bar `seen` (from 1) whose price is in the ring of TREND, which starts at `place`."""
    n = int(period + 0.5)
    mean, at = 0.0, (seen - 1) % LONGEST
    for _ in range(n):
        mean += s[place + 3 + at]
        at = at - 1 if at else LONGEST - 1
    if n > 0:
        mean /= n
    line = (4.0 * mean + 3.0 * s[place] + 2.0 * s[place + 1] + s[place + 2]) / 10.0
    s[place + 2] = s[place + 1]
    s[place + 1] = s[place]
    s[place] = mean
    return float(line)


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[PLACE + 3 + int(s[0]) % LONGEST] = x[i]
        push(s, x[i], LATE, 6)
        if s[0] > LATE:
            line = trend(s, PLACE, int(s[0]), s[SMOOTH_PERIOD])
            if s[0] > 63:
                out[i, to] = line
