"""Net change over `period` bars and the path to it: the sum of the absolute one-bar changes."""

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import Floats, Slot

SLOTS = (Slot("ring", (1,), per="period"), *window_sum.slots("path", (1,)))
push_sum = window_sum.push


@njit
def size(period: int) -> int:
    """Slots of one path."""
    return 1 + 2 * period


@njit
def push(s: Floats, n: int, x: float, period: int) -> tuple[float, float]:
    """Take x, value n (from 0), into the path at s: net change and path (meaningful once n >= period)."""
    path = 0.0
    if n > 0:
        path = push_sum(s[period:], n - 1, abs(x - s[(n - 1) % period]), period)
    net = x - s[n % period]
    s[n % period] = x
    return net, path
