"""Means, second moments and co-moment of the last `period` pairs (x, y): the two stacks of `moments`, for two inputs.

The window is the tail of the last full block of bars (the front, all suffixes aggregated at the block's end) and the
head of the present one (the back), joined by Chan's merge. Deviations are from anchors that are values of the window,
so nothing drifts, an offset costs no digits, and of an input that does not move moment and co-moment are exactly 0.
Amortised O(1).

State of `push`: count, per half the anchors and means of x and y (of the front only the anchors), a ring each of x and
y (present block) or of the means of the suffixes (last block), the back's three moments, a ring of each for the
suffixes. Source: Chan, Golub, LeVeque 1979; Pébay 2008 for the co-moment; the two halves as in `moments`.
"""

from collections.abc import Callable
from typing import Any

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

RING = 7


def layout(x: tuple[int, ...], y: tuple[int, ...], per: str | Callable[[Any], int] = "period") -> tuple[Slot, ...]:
    """Slots of `push` for variables that are these powers of the kernel's inputs."""
    xx, yy = tuple(2 * k for k in x), tuple(2 * k for k in y)
    xy = tuple(k + m for k, m in zip(x, y, strict=True))
    means = (("back_anchor", x, y), ("back_mean", x, y), ("front_anchor", x, y))
    single = [Slot(f"{name}_{of}", power) for name, *both in means for of, power in zip("xy", both, strict=True)]
    rings = [Slot("ring_x", x, per=per), Slot("ring_y", y, per=per)]
    moments = list(zip(("xx", "xy", "yy"), (xx, xy, yy), strict=True))
    backs = [Slot(f"back_{name}", power) for name, power in moments]
    return (COUNT, *single, *rings, *backs, *(Slot(f"ring_{name}", power, per=per) for name, power in moments))


@njit
def push(s: Floats, x: float, y: float, period: int) -> tuple[float, float, float]:
    """Take the pair into the state row s: sums of dx dx, dx dy, dy dy, the deviations from the window's means."""
    rx, ry = RING, RING + period
    back = ry + period
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, y, period)
    s[0] += 1
    s[rx + j], s[ry + j] = x, y
    dx, dy = x - s[1] - s[3], y - s[2] - s[4]
    s[3] += dx / (j + 1)
    s[4] += dy / (j + 1)
    rest = y - s[2] - s[4]
    s[back] += dx * (x - s[1] - s[3])
    s[back + 1] += dx * rest
    s[back + 2] += dy * rest
    if j == period - 1:
        return s[back], s[back + 1], s[back + 2]
    front = back + 4 + j
    dx = s[3] - s[rx + j + 1] + (s[1] - s[5])
    dy = s[4] - s[ry + j + 1] + (s[2] - s[6])
    weight = (j + 1) * (period - 1 - j) / period
    return (
        s[back] + s[front] + dx * dx * weight,
        s[back + 1] + s[front + period] + dx * dy * weight,
        s[back + 2] + s[front + 2 * period] + dy * dy * weight,
    )


@njit
def _turn(s: Floats, x: float, y: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at (x, y)."""
    rx, ry = RING, RING + period
    moments = ry + period + 3
    x0, y0 = s[rx + period - 1], s[ry + period - 1]
    mean_x = mean_y = xx = xy = yy = 0.0
    for i in range(period - 1, -1, -1):
        to_x, to_y = s[rx + i] - x0, s[ry + i] - y0
        dx, dy = to_x - mean_x, to_y - mean_y
        mean_x += dx / (period - i)
        mean_y += dy / (period - i)
        xx += dx * (to_x - mean_x)
        xy += dx * (to_y - mean_y)
        yy += dy * (to_y - mean_y)
        s[rx + i], s[ry + i] = mean_x, mean_y
        s[moments + i], s[moments + period + i], s[moments + 2 * period + i] = xx, xy, yy
    s[1], s[2], s[3], s[4], s[5], s[6] = x, y, 0.0, 0.0, x0, y0
    s[moments - 3 : moments] = 0.0
