"""Largest (or, of values with the sign changed, smallest) of the last `period` values, and how long ago it was.

Time is cut into blocks of `period` bars, as in `moments`: the window is the tail of the last block, the extremes of
whose suffixes are known in advance, and the head of the present one. Amortised O(1), and the same few steps at nearly
every bar, where a queue of candidates has a processor guess wrong. Source: van Herk 1992, Gil and Werman 1993.

State of `push`: bars seen, the head's extreme and its bar, then a ring of values (present block) or of extremes from
there on (last block), and one of the bars that they came at.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

STATE = (COUNT, Slot("head", (1,)), Slot("head_bar"), Slot("ring", (1,), per="period"), Slot("bars", per="period"))
"""For an input of any degree; `size(period)` slots."""


@njit
def size(period: int) -> int:
    """Slots of one extreme."""
    return 3 + 2 * period


@njit
def push(s: Floats, x: float, period: int, sign: float, older: bool) -> tuple[float, int]:
    """Take x into the state row s: the extreme of the last `period` (or fewer) values, and its age in bars.

    sign: 1 for the largest, -1 for the smallest; older: of equal ones the older counts, else the newer.
    """
    n = int(s[0])
    j = n % period
    if j == 0:
        _turn(s[3:], period, sign, older)
    if j == 0 or sign * x > sign * s[1] or (not older and x == s[1]):
        s[1], s[2] = x, n
    s[0], s[3 + j], s[3 + period + j] = n + 1, x, n
    if n < period or j == period - 1:
        return float(s[1]), n - int(s[2])
    tail = s[4 + j]
    if sign * tail > sign * s[1] or (older and tail == s[1]):
        return float(tail), n - int(s[4 + period + j])
    return float(s[1]), n - int(s[2])


@njit
def _turn(ring: Floats, period: int, sign: float, older: bool) -> None:
    """The extremes of the suffixes of the full block, newest first."""
    for i in range(period - 2, -1, -1):
        if sign * ring[i + 1] > sign * ring[i] or (not older and ring[i + 1] == ring[i]):
            ring[i], ring[period + i] = ring[i + 1], ring[period + i + 1]
