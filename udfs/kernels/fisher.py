"""Fisher transform: where the bar's middle stands in the range of the last `period` middles, drawn out to a bell.

Position p = (middle - lowest) / (highest - lowest) - 0.5 of the middles (high + low) / 2, 0 in a flat window; x =
0.66 p + 0.67 x before, set to 0.999 above 0.99 and to -0.999 below -0.99, also for the next bar; fisher = ln((1 + x)
/ (1 - x)) / 2 + fisher before / 2; the trigger is fisher of the bar before. Both start from 0 at bar `period`, the
first with fisher; the trigger follows one bar later. It has no unit. Source: Ehlers, Using the Fisher Transform,
2002.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("x"),
    Slot("fisher"),
    *window_range.slots("range", (1,)),
)
push = window_range.push


@njit
def _position(s: Floats, middle: float, period: int) -> float:
    """Take the middle into the range in s; -0.5 to 0.5."""
    highest, lowest = push(s, middle, middle, period)
    return (middle - lowest) / (highest - lowest) - 0.5 if highest > lowest else 0.0


@njit
def _bounded(x: float) -> float:
    """Ehlers' limit, which keeps the logarithm finite."""
    if x > 0.99:
        return 0.999
    return -0.999 if x < -0.99 else x


@njit
def step(state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, period: int) -> None:
    """From high, low float64[M] to out[M, to:to+2] (fisher, trigger); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        position = _position(s[3:], (high[i] + low[i]) / 2.0, period)
        s[0] += 1
        if s[0] < period:
            continue
        if s[0] > period:
            out[i, to + 1] = s[2]
        s[1] = _bounded(0.66 * position + 0.67 * s[1])
        s[2] = 0.5 * math.log((1.0 + s[1]) / (1.0 - s[1])) + 0.5 * s[2]
        out[i, to] = s[2]
