"""Candlestick patterns of three bars in which the market turns: stars, crows, the three inside.

100 for a bullish one, -100 for a bearish one, else 0. All outputs start at bar 13: two bars and the 10 before them
that the settings (see `candles`) average. Penetration of the stars and the abandoned baby: 0.3. c is the last bar.
TA-Lib: CDL2CROWS, CDL3INSIDE, CDLABANDONEDBABY, CDLEVENINGDOJISTAR, CDLEVENINGSTAR, CDLMORNINGDOJISTAR,
CDLMORNINGSTAR, CDLTRISTAR, CDLUNIQUE3RIVER, CDLUPSIDEGAP2CROWS.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import (
    BODIES,
    RANGES,
    Candle,
    candle,
    gap_down,
    gap_up,
    inside,
    layout,
    mark,
    scratch,
    take,
    totals,
)
from udfs.kernels.state import Floats, Rows

LOOKBACK, SIZE = 12, 13
KEPT = totals((BODIES, 2, 12), (BODIES, 1, 12), (BODIES, 0, 12), (RANGES, 2, 12), (RANGES, 1, 12))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_2crows", "cdl_3inside", "cdl_abandonedbaby", "cdl_eveningdojistar", "cdl_eveningstar",
    "cdl_morningdojistar", "cdl_morningstar", "cdl_tristar", "cdl_unique3river", "cdl_upsidegap2crows",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+10] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        a = candle(s, KEPT, SIZE, means, 2)
        b = candle(s, KEPT, SIZE, means, 1)
        c = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(two_crows(a, b, c), -1.0)
        o[1] = mark(three_inside(a, b, c), -a.colour)
        o[2] = mark(b.body <= b.tiny and turned(a, c) and abandoned(a, b, c), c.colour)
        o[3] = mark(b.body <= b.tiny and a.colour > 0.0 and star(a, b, c), -1.0)
        o[4] = mark(b.body <= b.normal and a.colour > 0.0 and star(a, b, c), -1.0)
        o[5] = mark(b.body <= b.tiny and a.colour < 0.0 and star(a, b, c), 1.0)
        o[6] = mark(b.body <= b.normal and a.colour < 0.0 and star(a, b, c), 1.0)
        o[7] = tristar(a, b, c)
        o[8] = mark(unique_three_river(a, b, c), 1.0)
        o[9] = mark(upside_gap_two_crows(a, b, c), -1.0)


@njit
def two_crows(a: Candle, b: Candle, c: Candle) -> bool:
    """A black candle beyond a gap over a long white one, and one from its body down into the white one's."""
    if not (a.colour > 0.0 and a.body > a.normal and b.colour < 0.0 and gap_up(a, b) and c.colour < 0.0):
        return False
    return b.close < c.open < b.open and a.open < c.close < a.close


@njit
def upside_gap_two_crows(a: Candle, b: Candle, c: Candle) -> bool:
    """A short black candle beyond a gap over a long white one, and a black one around it that leaves the gap open."""
    if not (a.colour > 0.0 and a.body > a.normal and b.colour < 0.0 and b.body <= b.normal and gap_up(a, b)):
        return False
    return c.colour < 0.0 and c.open > b.open and a.close < c.close < b.close


@njit
def three_inside(a: Candle, b: Candle, c: Candle) -> bool:
    """A short body inside a long one, and a close beyond the open of the long one."""
    if not (a.body > a.normal and b.body <= b.normal and inside(a, b) and c.colour == -a.colour):
        return False
    return c.close < a.open if a.colour > 0.0 else c.close > a.open


@njit
def turned(a: Candle, c: Candle) -> bool:
    """A long candle, and one of opposite colour, not short, that closes well inside its body."""
    if not (a.body > a.normal and c.body > c.normal and c.colour == -a.colour):
        return False
    return c.close < a.close - a.body * 0.3 if a.colour > 0.0 else c.close > a.close + a.body * 0.3


@njit
def star(a: Candle, b: Candle, c: Candle) -> bool:
    """A turn about a body beyond a gap."""
    return turned(a, c) and (gap_up(a, b) if a.colour > 0.0 else gap_down(a, b))


@njit
def abandoned(a: Candle, b: Candle, c: Candle) -> bool:
    """The shadows of b touch neither neighbour's."""
    if a.colour > 0.0:
        return b.low > a.high and c.high < b.low
    return b.high < a.low and c.low > b.high


@njit
def tristar(a: Candle, b: Candle, c: Candle) -> float:
    """Three doji (by the measure of the first), the second beyond a gap, the third back."""
    if not (a.body <= a.tiny and b.body <= a.tiny and c.body <= a.tiny):
        return 0.0
    if gap_up(a, b) and c.top < b.top:
        return -100.0
    return mark(gap_down(a, b) and c.bottom > b.bottom, 1.0)


@njit
def unique_three_river(a: Candle, b: Candle, c: Candle) -> bool:
    """A long black candle, a black one in its body with a lower low, a short white one above that low."""
    if not (a.colour < 0.0 and a.body > a.normal and b.colour < 0.0 and b.close > a.close and b.open <= a.open):
        return False
    return b.low < a.low and c.body < c.normal and c.colour > 0.0 and c.open > b.low
