"""Weighted mean and second moment of the last `period` values: the two stacks of `moments`, for values with weights.

The window is the tail of the last full block of bars (the front, all suffixes aggregated at the block's end) and the
head of the present one (the back), joined by Chan's merge. Deviations are from an anchor that is a value of the window,
so nothing drifts, and values that are all equal have a second moment of exactly 0. A value of weight 0 does not count.
Amortised O(1). Source: West 1979 for the weights; Chan, Golub, LeVeque 1979; the two halves as in `moments`.
"""

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

RING = 6


def layout(x: tuple[int, ...], weight: tuple[int, ...]) -> tuple[Slot, ...]:
    """Slots of `push` for a value and a weight that are these powers of the kernel's inputs."""
    moment = tuple(2 * k + m for k, m in zip(x, weight, strict=True))
    return (
        COUNT,
        Slot("back_anchor", x),
        Slot("back_mean", x),
        Slot("front_anchor", x),
        Slot("back_weight", weight),
        Slot("back_moment", moment),
        Slot("ring", x, per="period"),
        Slot("ring_weight", weight, per="period"),
        Slot("ring_moment", moment, per="period"),
    )


@njit
def push(s: Floats, x: float, w: float, period: int) -> tuple[float, float, float]:
    """Take x with weight w into the state row s: weight, mean and sum of w dx dx of the window; mean 0 if no weight."""
    weights, moments = RING + period, RING + 2 * period
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, period)
    s[0] += 1
    s[RING + j], s[weights + j] = x, w
    s[4], s[2], s[5] = add(s[4], s[2], s[5], x - s[1], w)
    if j == period - 1:
        return s[4], s[1] + s[2], s[5]
    front = j + 1
    weight = s[4] + s[weights + front]
    if weight == 0.0:
        return 0.0, 0.0, 0.0
    share = s[4] / weight
    delta = s[2] - s[RING + front] + (s[1] - s[3])
    mean = s[3] + (s[RING + front] + delta * share)
    return weight, mean, s[5] + s[moments + front] + delta * delta * (share * s[weights + front])


@njit
def add(weight: float, mean: float, moment: float, d: float, w: float) -> tuple[float, float, float]:
    """The aggregate with one more deviation d from the anchor."""
    if w == 0.0:
        return weight, mean, moment
    weight += w
    old = mean
    mean += (d - old) * (w / weight)
    return weight, mean, moment + w * (d - old) * (d - mean)


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at x."""
    weights, moments = RING + period, RING + 2 * period
    anchor = s[RING + period - 1]
    weight = mean = moment = 0.0
    for i in range(period - 1, -1, -1):
        weight, mean, moment = add(weight, mean, moment, s[RING + i] - anchor, s[weights + i])
        s[RING + i], s[weights + i], s[moments + i] = mean, weight, moment
    s[1], s[2], s[3], s[4], s[5] = x, 0.0, anchor, 0.0, 0.0
