"""Place of the close within the range of the last bars: what STOCH, STOCHF, STOCHRSI and WILLR share.

State of `span`: a queue of highs and one of lows (see extremes), over the last `period` bars.
"""

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.layout import part
from udfs.kernels.state import Floats, Slot

push, size = extremes.push, extremes.size


def queues(per: str, high: tuple[int, ...] = (1, 0, 0), low: tuple[int, ...] = (0, 1, 0)) -> tuple[Slot, ...]:
    """State of `span` over as many bars as the parameter `per` says, for values of these powers of the inputs."""
    return *part("high", extremes.STATE, high, per), *part("low", extremes.STATE, low, per)


@njit
def width(period: int) -> int:
    """Slots of both queues."""
    return 2 * size(period)


@njit
def span(s: Floats, high: float, low: float, period: int) -> tuple[float, float]:
    """Take one bar into the state row s: the highest high and the lowest low of the last `period` (or fewer) bars."""
    highest, _ = push(s, high, period, 1.0, False)
    lowest, _ = push(s[size(period) :], low, period, -1.0, False)
    return highest, lowest


@njit
def percent(x: float, highest: float, lowest: float) -> float:
    """%K: 0 for x at the lowest to 100 at the highest; 0 where they are equal."""
    return 100.0 * ((x - lowest) / (highest - lowest)) if highest > lowest else 0.0
