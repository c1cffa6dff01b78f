"""Candles: the shape of a bar and what it is measured against, shared by the patterns. Units of price.

In: bars, one at a time. Out: `Candle` of each of the last few bars. This file must not know any pattern.

A candle is long or short, its shadows long or short, two prices near or equal, beside means over the bars before it:
TA-Lib's default settings (BodyLong, BodyShort: mean body of 10 bars; BodyDoji, ShadowVeryShort: 0.1 of the mean range
of 10; ShadowShort: half the mean sum of both shadows of 10; Near, Far, Equal: 0.2, 0.6, 0.05 of the mean range of 5;
ShadowLong, ShadowVeryLong: once and twice the candle's own body). A close at the open counts as white.

Each mean is a running total as TA-Lib keeps it (add the new less the old), since only so do ties fall as there. While
10 ranges add up to less than the lowest price so far, no total is rounded at all; wilder bars leave an error of some
ulp in it for good, which depends on the bar it began at. TA-Lib begins as late as the pattern's lookback allows, so a
total is known by three numbers: what is summed, before which bar of the pattern (0: the last), and that lookback.
TA-Lib: TA_SetCandleSettings, the macros TA_CANDLERANGE and TA_CANDLEAVERAGE.

State of a group: count, its totals, a ring of the last `size` bars (open, high, low, close).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Slot

BODIES, RANGES, SHADOWS, NEARBY, NEARBY_TOO = range(5)
"""What a total sums; NEARBY is RANGES over 5 bars, NEARBY_TOO the same for patterns of another lookback."""
NEAR, FAR, EQUAL = 0.2, 0.6, 0.05
LONGEST = 5

Totals = npt.NDArray[np.int64]


class Candle(NamedTuple):
    """One bar; `colour` 1 is white, -1 black; from `normal` on what it is measured against (NaN: not in this group)."""

    open: float
    high: float
    low: float
    close: float
    colour: float
    body: float
    upper: float
    lower: float
    top: float
    bottom: float
    normal: float
    tiny: float
    shadow: float
    near: float
    far: float
    equal: float


def totals(*rows: tuple[int, int, int]) -> Totals:
    """The totals of a group: what is summed, before which bar of the pattern, the pattern's lookback."""
    return np.array(rows, np.int64).reshape(-1, 3)


def layout(kept: Totals, size: int) -> tuple[Slot, ...]:
    """State of a group."""
    return COUNT, Slot("totals", (1,), per=lambda p: len(kept)), Slot("bars", (1,), per=lambda p: 4 * size)


@njit
def scratch() -> Floats:
    """Means by kind and bar of the pattern, for `take` to fill."""
    return np.full((NEARBY_TOO + 1, LONGEST), np.nan)


@njit
def take(
    s: Floats, kept: Totals, size: int, means: Floats, o: float, h: float, low: float, c: float, lookback: int
) -> bool:
    """Take a bar into the state row s and write the means; False for a skipped bar and before the lookback is over."""
    if math.isnan(o + h + low + c):
        return False
    n = int(s[0])
    s[0] += 1
    last = n % size
    place = 1 + len(kept) + 4 * last
    s[place], s[place + 1], s[place + 2], s[place + 3] = o, h, low, c
    ring = s[1 + len(kept) :]
    for j in range(len(kept)):
        kind, ago, first = kept[j]
        period = 5 if kind >= NEARBY else 10
        if n >= first:
            means[kind, ago] = s[1 + j] / period
            s[1 + j] += _extent(ring, size, last - ago, kind) - _extent(ring, size, last - ago - period, kind)
        elif n >= first - period:
            s[1 + j] += _extent(ring, size, last - ago, kind)
    return bool(n >= lookback)


@njit
def _extent(ring: Floats, size: int, place: int, kind: int) -> float:
    """What a bar of the ring adds to a total; places before the first are at the end."""
    place = 4 * (place if place >= 0 else place + size)
    o, h, low, c = ring[place], ring[place + 1], ring[place + 2], ring[place + 3]
    if kind == BODIES:
        return float(abs(c - o))
    if kind == SHADOWS:
        return float((h - max(o, c)) + (min(o, c) - low))
    return float(h - low)


@njit
def candle(s: Floats, kept: Totals, size: int, means: Floats, ago: int) -> Candle:
    """The bar `ago` bars before the last that was taken."""
    place = 1 + len(kept) + 4 * (int(s[0] - 1 - ago) % size)
    o, h, low, c = s[place], s[place + 1], s[place + 2], s[place + 3]
    top, bottom, near = max(o, c), min(o, c), means[NEARBY, ago]
    return Candle(
        o, h, low, c, 1.0 if c >= o else -1.0, abs(c - o), h - top, bottom - low, top, bottom,
        means[BODIES, ago], 0.1 * means[RANGES, ago], means[SHADOWS, ago] / 2.0, NEAR * near, FAR * near, EQUAL * near,
    )  # fmt: skip


@njit
def gap_up(a: Candle, b: Candle) -> bool:
    """The body of b is wholly above that of a."""
    return b.bottom > a.top


@njit
def gap_down(a: Candle, b: Candle) -> bool:
    """The body of b is wholly below that of a."""
    return b.top < a.bottom


@njit
def inside(a: Candle, b: Candle) -> bool:
    """The body of b is wholly inside that of a."""
    return b.top < a.top and b.bottom > a.bottom


@njit
def mark(found: bool, sign: float) -> float:
    """100 * sign where the pattern is, else 0 (and never -0)."""
    return 100.0 * sign if found else 0.0
