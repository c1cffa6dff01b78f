"""Sum of the last `period` values without drift, for terms that do not share a large level (changes, ranges, volumes).

Time is cut into blocks of `period` bars: the window is the tail of the last block, whose suffixes are summed in
advance, and the head of the present one, summed as it grows. Nothing is subtracted out again: non-negative terms give
exactly 0 only where all are 0, whole numbers and short binary fractions are summed exactly. Amortised O(1).

State of `push`: the head's sum, then per bar of the ring its value (present block) or the sum from it on (last block).
"""

from collections.abc import Callable
from typing import Any

from udfs.compiled import njit
from udfs.kernels.state import Floats, Slot


def slots(name: str, powers: tuple[int, ...], per: str | Callable[[Any], int] = "period") -> tuple[Slot, ...]:
    """The state of one sum, `size(per)` slots; the kernel counts the bars."""
    return Slot(name, powers), Slot(f"{name}_ring", powers, per=per)


@njit
def size(period: int) -> int:
    """Slots of one sum."""
    return 1 + period


@njit
def push(s: Floats, n: int, x: float, period: int) -> float:
    """Take x, value n (from 0), into the sum at s: the sum of the last `period` (or fewer) values."""
    j = n % period
    if j == 0:
        for i in range(period - 1, 0, -1):
            s[i] += s[i + 1]
        s[0] = 0.0
    s[0] += x
    s[1 + j] = x
    if j == period - 1:
        return float(s[0])
    return float(s[2 + j] + s[0])
