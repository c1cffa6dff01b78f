"""Fractals: 100 at the bar that confirms a swing high (low) of `right` bars ago, else 0.

The pivot is higher (lower) than the `left` bars before it and the `right` bars after it; an equal one is in the way.
It is told when it is known, not drawn at the pivot. First at bar left + right + 1. TA-Lib: FRACTAL, which has 0
instead of no value before that. Source: Williams 1995.

The bars on either side of the pivot have a range of their own; a bar enters the left one when its own right side is
full, `right` + 1 bars late, from a ring.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows, Slot

RINGS = tuple(Slot(name, (1,), per=lambda p: p.right + 1) for name in ("high_ring", "low_ring"))
STATE = (COUNT, *RINGS, *window_range.slots("before", (1,), "left"), *window_range.slots("after", (1,), "right"))
push = window_range.push
size = window_range.size


@njit
def _swings(s: Floats, high: float, low: float, left: int, right: int) -> tuple[float, float]:
    """Take a bar into the state row s: 100 or 0 for a swing high and a swing low `right` bars ago."""
    seen, ring = int(s[0]), right + 1
    start = 1 + 2 * ring
    newest, pivot = 1 + seen % ring, 1 + (seen + 1) % ring
    top, bottom = -math.inf, math.inf
    if seen >= ring:  # the slot of the newest bar still holds the one before the pivot
        top, bottom = push(s[start:], s[newest], s[newest + ring], left)
    highest, lowest = push(s[start + size(left) :], high, low, right)
    s[newest], s[newest + ring] = high, low
    swing_high = s[pivot] > max(top, highest)
    swing_low = s[pivot + ring] < min(bottom, lowest)
    return 100.0 * swing_high, 100.0 * swing_low


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, left: int, right: int
) -> None:
    """From high, low float64[M] to out[M, to:to+2] (swing high, low); a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        swings = _swings(s, high[i], low[i], left, right)
        if s[0] >= left + right:
            out[i, to], out[i, to + 1] = swings
        s[0] += 1
