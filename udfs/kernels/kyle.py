"""Kyle's lambda: slope of the changes of the close on signed volume, over `period` bars, with an intercept.

The sign is by the tick rule on closes: that of the change, or of the last change there was where the close stays; 0
before the first. Slope: sum of dx dy / sum of dx dx, x the signed volume, y the change, d the deviation from the
window's mean. First at bar period + 1; a window whose signed volume does not vary has no value. Units of price per unit
of volume. Drift-free and amortised O(1): two stacks as in `moments`, with anchors that are values of the window.
Source: Kyle 1985; as a regression on bars, Hasbrouck 2009; Pébay 2008 for the merge of co-moments.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

X, Y, XX, XY = (0, 1), (1, 0), (0, 2), (1, 1)
STATE = (
    COUNT,
    Slot("last", Y),
    Slot("sign"),
    Slot("pairs"),
    Slot("back_anchor_x", X),
    Slot("back_anchor_y", Y),
    Slot("back_mean_x", X),
    Slot("back_mean_y", Y),
    Slot("front_anchor_x", X),
    Slot("front_anchor_y", Y),
    Slot("back_xx", XX),
    Slot("back_xy", XY),
    Slot("ring_x", X, per="period"),
    Slot("ring_y", Y, per="period"),
    Slot("ring_xx", XX, per="period"),
    Slot("ring_xy", XY, per="period"),
)
PAIRS, RING = 3, 9


@njit
def _push(s: Floats, x: float, y: float, period: int) -> tuple[float, float]:
    """Take the pair into the state row s: sums of dx dx and dx dy, meaningful once s[0] >= period."""
    ys, xxs, xys = RING + period, RING + 2 * period, RING + 3 * period
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, y, period)
    s[0] += 1
    s[RING + j], s[ys + j] = x, y
    dx, dy = x - s[1] - s[3], y - s[2] - s[4]
    s[3] += dx / (j + 1)
    s[4] += dy / (j + 1)
    rest = x - s[1] - s[3]
    s[7] += dx * rest
    s[8] += dy * rest
    if j == period - 1:
        return s[7], s[8]
    front = j + 1
    dx = s[3] - s[RING + front] + (s[1] - s[5])
    dy = s[4] - s[ys + front] + (s[2] - s[6])
    weight = front * (period - front) / period
    return s[7] + s[xxs + front] + dx * dx * weight, s[8] + s[xys + front] + dx * dy * weight


@njit
def _turn(s: Floats, x: float, y: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at (x, y)."""
    ys, xxs, xys = RING + period, RING + 2 * period, RING + 3 * period
    x0, y0 = s[ys - 1], s[xxs - 1]
    mean_x = mean_y = xx = xy = 0.0
    for i in range(period - 1, -1, -1):
        dx, dy = s[RING + i] - x0 - mean_x, s[ys + i] - y0 - mean_y
        mean_x += dx / (period - i)
        mean_y += dy / (period - i)
        rest = s[RING + i] - x0 - mean_x
        xx += dx * rest
        xy += dy * rest
        s[RING + i], s[ys + i], s[xxs + i], s[xys + i] = mean_x, mean_y, xx, xy
    s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8] = x, y, 0.0, 0.0, x0, y0, 0.0, 0.0


@njit
def step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] > 0:
            change = close[i] - s[1]
            if change != 0.0:
                s[2] = 1.0 if change > 0.0 else -1.0
            xx, xy = _push(s[PAIRS:], s[2] * volume[i], change, period)
            if s[0] >= period and xx > 0.0:
                out[i, to] = xy / xx
        s[0] += 1
        s[1] = close[i]
