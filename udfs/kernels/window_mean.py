"""Mean of the last `period` values, for kernels that take differences of means.

As `moments.push_mean` but with sums of deviations instead of means, so that it rounds once at the end: of prices that
are short binary fractions all sums are exact, and a difference that is zero by definition comes out as zero.

State: sum of the head's deviations from its first value, that value, the last value of the block before, then per bar
of the ring its value (present block) or the sum of deviations from it on (last block). Amortised O(1).
"""

from udfs.compiled import njit
from udfs.kernels.state import Floats, Slot

RING = 3


def slots(name: str, powers: tuple[int, ...], per: str = "period") -> tuple[Slot, ...]:
    """The state of one mean, `size(per)` slots; the kernel counts the bars."""
    anchors = Slot(f"{name}_back_anchor", powers), Slot(f"{name}_front_anchor", powers)
    return Slot(f"{name}_sum", powers), *anchors, Slot(f"{name}_ring", powers, per=per)


@njit
def size(period: int) -> int:
    """Slots of one mean."""
    return RING + period


@njit
def push(s: Floats, n: int, x: float, period: int) -> float:
    """Take x, value n (from 0), into the mean at s: the window's mean (meaningful once n + 1 >= period)."""
    j = n % period
    if j == 0:
        _turn(s, x, period)
    s[0] += x - s[1]
    s[RING + j] = x
    if j == period - 1:
        return float(s[1] + s[0] / period)
    total = s[RING + j + 1] + (s[0] + (s[1] - s[2]) * (j + 1))
    return float(s[2] + total / period)


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """Sum the suffixes of the full block, newest first, and open the next block at x."""
    anchor = s[RING + period - 1]
    total = 0.0
    for i in range(period - 1, -1, -1):
        total += s[RING + i] - anchor
        s[RING + i] = total
    s[0], s[1], s[2] = 0.0, x, anchor
