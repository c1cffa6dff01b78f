"""Highest of one series and lowest of another over the last `period` bars, without their ages.

As `extremes`: the head of the present block and the suffixes of the last one, here of both series at once. State of
`push`: bars seen, the head's highest and lowest, then a ring of each.
"""

from udfs.compiled import njit
from udfs.kernels.state import Floats, Slot


def slots(name: str, powers: tuple[int, ...], per: str = "period") -> tuple[Slot, ...]:
    """The state of one range, `size(per)` slots, of series of these powers."""
    heads = (Slot(f"{name}_{part}", powers) for part in ("highest", "lowest"))
    return Slot(f"{name}_count"), *heads, *(Slot(f"{name}_{part}", powers, per=per) for part in ("highs", "lows"))


@njit
def size(period: int) -> int:
    """Slots of one range."""
    return 3 + 2 * period


@njit
def push(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take a bar into the range at s: highest and lowest of the last `period` (or fewer) bars."""
    n = int(s[0])
    j = n % period
    if j == 0:
        _turn(s[3:], period)
        s[1], s[2] = high, low
    highest, lowest = max(s[1], high), min(s[2], low)
    s[0], s[1], s[2], s[3 + j], s[3 + period + j] = n + 1, highest, lowest, high, low
    if n < period or j == period - 1:
        return highest, lowest
    return max(highest, s[4 + j]), min(lowest, s[4 + period + j])


@njit
def _turn(ring: Floats, period: int) -> None:
    """The ranges of the suffixes of the full block, newest first."""
    for i in range(period - 2, -1, -1):
        ring[i] = max(ring[i], ring[i + 1])
        ring[period + i] = min(ring[period + i], ring[period + i + 1])
