"""Sum of the last `period` values, none of them negative, exact to a few ulp for ever.

Time is cut into blocks of `period` bars; the window is the tail of the last full block, of which every suffix is summed
in advance, and the head of the present one. Nothing is ever taken off a sum, so nothing drifts, and the sum of zeros is
0. Amortised O(1). Source: the two halves of van Herk 1992, Gil and Werman 1993.

State of `push`: the sum of the present block, then per bar of the ring its value (present block) or the sum of the
suffix that starts there (last block). The kernel that owns it counts the bars.
"""

from collections.abc import Callable
from typing import Any

from udfs.compiled import njit
from udfs.kernels.state import Floats, Slot


def slots(name: str, powers: tuple[int, ...], per: str | Callable[[Any], int]) -> tuple[Slot, ...]:
    """State of one sum over as many bars as `per` says, of values of these powers of the inputs."""
    return Slot(name, powers), Slot(f"{name}_ring", powers, per)


@njit
def push(s: Floats, n: int, x: float, period: int) -> float:
    """Take x, the n-th value (from 0), into the state row s; the window's sum (meaningful once n + 1 >= period)."""
    j = n % period
    if j == 0:
        s[0] = 0.0
        for i in range(period - 1, 0, -1):
            s[i] += s[i + 1]
    s[0] += x
    s[1 + j] = x
    return float(s[0] + s[2 + j]) if j < period - 1 else float(s[0])
