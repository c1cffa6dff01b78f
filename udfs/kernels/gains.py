"""Wilder's averages of gains and of losses from bar to bar, what RSI, CMO and STOCHRSI share.

Seeded by the means of the first `period` differences; until then the slots hold sums. From bar period + 1 on.
State of `take`: bars seen, the last value, average gain and average loss.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

STATE = (COUNT, Slot("last", (1,)), Slot("gain", (1,)), Slot("loss", (1,)))
SIZE = 4


@njit
def take(s: Floats, x: float, period: int) -> None:
    """Take x into the state row s; the averages are full once s[0] > period."""
    seen = int(s[0])
    change = x - s[1]
    s[0] += 1
    s[1] = x
    if seen == 0:
        return
    if seen > period:
        s[2] *= period - 1
        s[3] *= period - 1
    if change < 0.0:
        s[3] -= change
    else:
        s[2] += change
    if seen >= period:
        s[2] /= period
        s[3] /= period
