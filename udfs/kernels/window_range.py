"""Highest of one series and lowest of another over the last `period` bars, each from a queue of `extremes`."""

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.parts import part
from udfs.kernels.state import Floats, Slot

push_extreme = extremes.push
queue_size = extremes.size


def slots(name: str, powers: tuple[int, ...], per: str = "period") -> tuple[Slot, ...]:
    """The state of one range, `size(per)` slots, of series of these powers."""
    return *part(f"{name}_high", extremes.STATE, per, powers), *part(f"{name}_low", extremes.STATE, per, powers)


@njit
def size(period: int) -> int:
    """Slots of one range."""
    return 2 * queue_size(period)


@njit
def push(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take a bar into the range at s: highest and lowest of the last `period` (or fewer) bars."""
    highest, _ = push_extreme(s, high, period, 1.0, False)
    lowest, _ = push_extreme(s[queue_size(period) :], low, period, -1.0, False)
    return highest, lowest
