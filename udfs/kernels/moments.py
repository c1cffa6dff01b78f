"""Mean and second moment of the last `period` values, exact to a few ulp for ever: what sliding kernels share.

Time is cut into blocks of `period` bars. The window is the tail of the last full block (the front, for which every
suffix is aggregated in advance) and the head of the present one (the back, aggregated as it grows), joined by Chan's
merge; nothing is ever subtracted out again, so nothing drifts. Each half is held as deviations from an anchor that is
a value of the window itself (front: its last, back: its first), so a huge offset or an outlier that has left costs no
digits, and a flat window has a second moment of exactly 0. Amortised O(1): a block's end costs one pass over it.

State of `push_mean`: count, back anchor, back mean, front anchor, then per bar of the ring its value (present block)
or the mean of the suffix that starts there (last block). `push` adds the back's second moment and the suffixes'.
Source: Chan, Golub, LeVeque 1979; the two halves: van Herk 1992, Gil and Werman 1993.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

MEAN_STATE = (
    COUNT,
    Slot("back_anchor", (1,)),
    Slot("back_mean", (1,)),
    Slot("front_anchor", (1,)),
    Slot("ring", (1,), per="period"),
)
STATE = (*MEAN_STATE, Slot("back_moment", (2,)), Slot("ring_moment", (2,), per="period"))
RING = 4


@njit
def push_mean(s: Floats, x: float, period: int) -> float:
    """Take x into the state row s; the window's mean (meaningful once s[0] >= period)."""
    j = int(s[0]) % period
    if j == 0:
        _turn_mean(s, x, period)
    s[0] += 1
    s[RING + j] = x
    s[2] += (x - s[1] - s[2]) / (j + 1)
    if j == period - 1:
        return float(s[1] + s[2])
    delta = s[2] - s[RING + j + 1] + (s[1] - s[3])
    return float(s[3] + (s[RING + j + 1] + delta * (j + 1) / period))


@njit
def _turn_mean(s: Floats, x: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at x."""
    anchor = s[RING + period - 1]
    mean = 0.0
    for i in range(period - 1, -1, -1):
        mean += (s[RING + i] - anchor - mean) / (period - i)
        s[RING + i] = mean
    s[1], s[2], s[3] = x, 0.0, anchor


@njit
def push(s: Floats, x: float, period: int) -> tuple[float, float]:
    """Take x into the state row s; the window's mean and sum of squared deviations from it."""
    back = RING + period
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, period)
    s[0] += 1
    s[RING + j] = x
    d = x - s[1]
    old = s[2]
    s[2] += (d - old) / (j + 1)
    s[back] += (d - old) * (d - s[2])
    if j == period - 1:
        return s[1] + s[2], s[back]
    delta = s[2] - s[RING + j + 1] + (s[1] - s[3])
    mean = s[3] + (s[RING + j + 1] + delta * (j + 1) / period)
    spread = delta * delta * ((j + 1) * (period - 1 - j)) / period
    return mean, s[back] + s[back + 2 + j] + spread


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """As `_turn_mean`, with the second moments of the suffixes."""
    moments = RING + period + 1
    anchor = s[RING + period - 1]
    mean = moment = 0.0
    for i in range(period - 1, -1, -1):
        d = s[RING + i] - anchor
        old = mean
        mean += (d - old) / (period - i)
        moment += (d - old) * (d - mean)
        s[RING + i] = mean
        s[moments + i] = moment
    s[1], s[2], s[3], s[moments - 1] = x, 0.0, anchor, 0.0
