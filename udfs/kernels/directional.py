"""Wilder's directional movement: what PLUS_DM to ADXR share.

Movement of a bar: up = high - high before, down = low before - low; only the larger counts, and only if it is above
zero (equal ones: neither). True range: as ATR's. Wilder's sum of n values: the plain sum while n < period, from then
on sum - sum / period + x. So the first one at hand holds period - 1 bars, as TA-Lib has it, not `period`.

State of `take`: bars seen, the last high, low and close, then the sums of upward and downward movement and of range.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

STATE = (
    COUNT,
    Slot("high", (1, 0, 0)),
    Slot("low", (0, 1, 0)),
    Slot("close", (0, 0, 1)),
    Slot("plus", (1, 0, 0)),
    Slot("minus", (0, 1, 0)),
    Slot("range", (1, 0, 0)),
)
SIZE = 7


@njit
def movement(up: float, down: float) -> tuple[float, float]:
    """Upward and downward movement of one bar; one of them at least is 0."""
    if down > 0.0 and up < down:
        return 0.0, down
    if up > 0.0 and up > down:
        return up, 0.0
    return 0.0, 0.0


@njit
def fade(n: int, total: float, x: float, period: int) -> float:
    """Wilder's sum when x is the n-th value (from 1)."""
    return total + x if n < period else total - total / period + x


@njit
def take(s: Floats, high: float, low: float, close: float, period: int) -> None:
    """Take one bar into the state row s."""
    n = int(s[0])
    if n > 0:
        plus, minus = movement(high - s[1], s[2] - low)
        s[4] = fade(n, s[4], plus, period)
        s[5] = fade(n, s[5], minus, period)
        s[6] = fade(n, s[6], max(high - low, abs(high - s[3]), abs(low - s[3])), period)
    s[0] += 1
    s[1], s[2], s[3] = high, low, close


@njit
def index(s: Floats) -> float:
    """100 * |plus - minus| / (plus + minus) of the two indicators; NaN where there was no range or no movement."""
    if s[6] == 0.0:
        return math.nan
    plus, minus = 100.0 * (s[4] / s[6]), 100.0 * (s[5] / s[6])
    if plus + minus == 0.0:
        return math.nan
    return float(100.0 * (abs(minus - plus) / (minus + plus)))
