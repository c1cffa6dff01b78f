"""Parabolic stop and reverse: a stop that closes in on the price faster with each new extreme, and turns when hit.

From the second bar. It starts long, or short if the low fell by more than the high rose; the stop is the first bar's
low (high), the extreme the second bar's high (low). Each bar moves the stop by a share `acceleration` of its distance
to the extreme, a share that grows by `acceleration` with each new extreme up to `maximum`, but never into the range
of this bar and the last. A bar that touches the stop turns the position: the stop is then the old extreme.
Units of price. TA-Lib: SAR, the same operations in the same order. Source: Wilder 1978.

How long a start is remembered depends on the prices: until the two histories turn at the same bar.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("side"),
    Slot("stop", (1,)),
    Slot("extreme", (1,)),
    Slot("share"),
    Slot("high", (1,)),
    Slot("low", (0, 1)),
)


@njit
def open_side(s: Floats, high: float, low: float, start: float) -> None:
    """Take a position at the second bar: long at start > 0, short at -start for start < 0, by the prices for 0."""
    down = s[6] - low
    short = start < 0.0 if start != 0.0 else down > 0.0 and down > high - s[5]
    s[1] = -1.0 if short else 1.0
    s[3] = low if short else high
    s[2] = abs(start) if start != 0.0 else (s[5] if short else s[6])
    s[5], s[6] = high, low


@njit
def advance(s: Floats, high: float, low: float, offset: float, first: float, by: float, most: float) -> float:
    """Take a bar; the stop that it met, or that it turned to, moved away by `offset` of itself.

    first: share after a turn; by, most: growth and bound of the share on the side held when the bar came.
    """
    # a short position is a long one in prices with the sign changed
    side = s[1]
    near, far = (low, high) if side > 0.0 else (-high, -low)
    near_before, far_before = (s[6], s[5]) if side > 0.0 else (-s[5], -s[6])
    stop, extreme = side * s[2], side * s[3]
    turned = near <= stop
    if turned:
        stop = max(extreme, far_before, far)
        stop += abs(stop) * offset
        met, extreme, s[4] = stop, near, first
        stop = max(stop + s[4] * (extreme - stop), far_before, far)
    else:
        met = stop
        if far > extreme:
            extreme, s[4] = far, min(s[4] + by, most)
        stop = min(stop + s[4] * (extreme - stop), near_before, near)
    s[1], s[2], s[3] = -side if turned else side, side * stop, side * extreme
    s[5], s[6] = high, low
    return float(side * met)


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, acceleration: float,
    maximum: float,
) -> None:  # fmt: skip
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    share = min(acceleration, maximum)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        s[0] += 1
        if s[0] == 1:
            s[5], s[6] = high[i], low[i]
            continue
        if s[0] == 2:
            open_side(s, high[i], low[i], 0.0)
            s[4] = share
        out[i, to] = advance(s, high[i], low[i], 0.0, share, share, maximum)
