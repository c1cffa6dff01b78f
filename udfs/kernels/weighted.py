"""Mean of the last `period` values with weights 1 to `period`, newest heaviest, exact to a few ulp for ever.

As in moments.py the window is the tail of the last full block (the front, whose suffixes are summed in advance, each
with weights from 1) and the head of the present one (the back, with the weights that end at `period`); nothing is
ever subtracted out again. Sums are of deviations from an anchor that is a value of the window itself, so a flat window
gives its value exactly. Amortised O(1): a block's end costs one pass over it.

State of `push`: count, back anchor, back sum, back sum with weights from 1, front anchor, then per bar of the ring its
value (present block) or the weighted sum of the suffix that starts there (last block).
Source of the two halves: van Herk 1992, Gil and Werman 1993.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

STATE = (
    COUNT,
    Slot("back_anchor", (1,)),
    Slot("back_sum", (1,)),
    Slot("back_weighted", (1,)),
    Slot("front_anchor", (1,)),
    Slot("ring", (1,), per="period"),
)
RING = 5


@njit
def push(s: Floats, x: float, period: int) -> float:
    """Take x into the state row s; the window's weighted mean (meaningful once s[0] >= period)."""
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, period)
    s[0] += 1
    s[RING + j] = x
    s[2] += x - s[1]
    s[3] += (x - s[1]) * (j + 1)
    rest = period - 1 - j
    back = s[3] + s[2] * rest
    weight = period * (period + 1) / 2
    if rest == 0:
        return float(s[1] + back / weight)
    shift = (s[1] - s[4]) * (weight - rest * (rest + 1) / 2)
    return float(s[4] + (s[RING + j + 1] + back + shift) / weight)


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """Sum the suffixes of the full block, newest first, and open the next block at x."""
    anchor = s[RING + period - 1]
    plain = weighted = 0.0
    for i in range(period - 1, -1, -1):
        plain += s[RING + i] - anchor
        weighted += plain
        s[RING + i] = weighted
    s[1], s[2], s[3], s[4] = x, 0.0, 0.0, anchor
