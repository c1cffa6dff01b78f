"""Largest (or, of values with the sign changed, smallest) of the last `period` values, and how long ago it was.

A queue holds, oldest first, the values that may still become the largest: a new one removes all that it is not less
than, or, where the older of equal ones shall win, all that are less. Amortised O(1) a bar. Source: Lemire 2006.

State of `push`: bars seen, first and size of the queue, then a ring of values and one of the bars they came at. One
more slot than `period` is never needed, for what left the window is removed first.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

STATE = (COUNT, Slot("first"), Slot("size"), Slot("ring", (1,), per="period"), Slot("bars", per="period"))
"""For an input of any degree; `size(period)` slots."""


@njit
def size(period: int) -> int:
    """Slots of one queue."""
    return 3 + 2 * period


@njit
def push(s: Floats, x: float, period: int, sign: float, older: bool) -> tuple[float, int]:
    """Take x into the state row s: the extreme of the last `period` (or fewer) values, and its age in bars.

    sign: 1 for the largest, -1 for the smallest; older: of equal ones the older counts, else the newer.
    """
    seen, first, held = int(s[0]), int(s[1]), int(s[2])
    if held and s[3 + period + first] <= seen - period:
        first = (first + 1) % period
        held -= 1
    while held:
        last = (first + held - 1) % period
        other = s[3 + last]
        if sign * other > sign * x or (older and other == x):
            break
        held -= 1
    place = (first + held) % period
    s[3 + place], s[3 + period + place] = x, seen
    s[0], s[1], s[2] = seen + 1, first, held + 1
    return float(s[3 + first]), seen - int(s[3 + period + first])
