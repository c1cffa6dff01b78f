"""Level and tilt of the last `period` values: what a regression line needs, without drift.

The tilt is the sum of (2 k - period + 1) * value, k = 0 for the oldest; it is the same for values and deviations from
any anchor. With `total`, the sum of deviations from `anchor`, and p the period, the mean is anchor + total / p,

    slope of the regression     6 * tilt / (p * (p * p - 1))
    its line at k = p           anchor + (total * (p - 1) + 3 * tilt) / (p * (p - 1))

Blocks, anchors and suffixes are those of `window_mean`, joined by tilt + tilt + n * total - m * total of the halves;
nothing is subtracted out again. Amortised O(1).
"""

from udfs.compiled import njit
from udfs.kernels.state import Floats, Slot

RING = 4


def slots(name: str, powers: tuple[int, ...], per: str = "period") -> tuple[Slot, ...]:
    """The state of one line, `size(per)` slots; the kernel counts the bars."""
    parts = ("sum", "tilt", "back_anchor", "front_anchor")
    rings = (Slot(f"{name}_{ring}", powers, per=per) for ring in ("ring", "ring_tilt"))
    return *(Slot(f"{name}_{part}", powers) for part in parts), *rings


@njit
def size(period: int) -> int:
    """Slots of one line."""
    return RING + 2 * period


@njit
def push(s: Floats, n: int, x: float, period: int) -> tuple[float, float, float]:
    """Take x, value n (from 0), into the line at s: anchor, total, tilt (meaningful once n + 1 >= period)."""
    j = n % period
    if j == 0:
        _turn(s, x, period)
    s[1] += (x - s[2]) * j - s[0]
    s[0] += x - s[2]
    s[RING + j] = x
    if j == period - 1:
        return s[2], s[0], s[1]
    older, newer = period - 1 - j, j + 1
    total = s[0] + (s[2] - s[3]) * newer
    front, tilt = s[RING + newer], s[RING + period + newer]
    return s[3], front + total, tilt + s[1] + (total * older - front * newer)


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at x."""
    anchor = s[RING + period - 1]
    total = tilt = 0.0
    for i in range(period - 1, -1, -1):
        d = s[RING + i] - anchor
        tilt += total - d * (period - 1 - i)
        total += d
        s[RING + i], s[RING + period + i] = total, tilt
    s[0], s[1], s[2], s[3] = 0.0, 0.0, x, anchor
