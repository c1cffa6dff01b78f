"""Candlestick patterns of two bars: 100 for a bullish one, -100 for a bearish one, else 0.

A harami whose bodies meet at one end is only 80 or -80. All outputs start at bar 12: one bar and the 10 before it that
the settings (see `candles`) average. Penetration of dark cloud cover: 0.5. a is the older bar, b the last.
TA-Lib: CDLCOUNTERATTACK, CDLDARKCLOUDCOVER, CDLDOJISTAR, CDLHAMMER, CDLHANGINGMAN, CDLHARAMI, CDLHARAMICROSS,
CDLHOMINGPIGEON, CDLINNECK, CDLINVERTEDHAMMER, CDLKICKING, CDLKICKINGBYLENGTH, CDLONNECK, CDLPIERCING,
CDLSEPARATINGLINES, CDLSHOOTINGSTAR, CDLTHRUSTING.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import (
    BODIES,
    NEARBY,
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

LOOKBACK, SIZE = 11, 12
KEPT = totals((BODIES, 1, 11), (BODIES, 0, 11), (RANGES, 1, 11), (RANGES, 0, 11), (NEARBY, 1, 11))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_counterattack", "cdl_darkcloudcover", "cdl_dojistar", "cdl_hammer", "cdl_hangingman", "cdl_harami",
    "cdl_haramicross", "cdl_homingpigeon", "cdl_inneck", "cdl_invertedhammer", "cdl_kicking",
    "cdl_kickingbylength", "cdl_onneck", "cdl_piercing", "cdl_separatinglines", "cdl_shootingstar",
    "cdl_thrusting",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+17] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        a = candle(s, KEPT, SIZE, means, 1)
        b = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(counter_attack(a, b), b.colour)
        o[1] = mark(dark_cloud_cover(a, b), -1.0)
        o[2] = mark(doji_star(a, b), -a.colour)
        o[3] = mark(hammer(b) and b.bottom <= a.low + a.near, 1.0)
        o[4] = mark(hammer(b) and b.bottom >= a.high - a.near, -1.0)
        o[5] = harami(a, b, b.normal)
        o[6] = harami(a, b, b.tiny)
        o[7] = mark(homing_pigeon(a, b), 1.0)
        o[8] = mark(rebound(a, b) and a.close <= b.close <= a.close + a.equal, -1.0)
        o[9] = mark(inverted(b) and gap_down(a, b), 1.0)
        o[10] = mark(kicking(a, b), b.colour)
        o[11] = mark(kicking(a, b), b.colour if b.body > a.body else a.colour)
        o[12] = mark(rebound(a, b) and a.low - a.equal <= b.close <= a.low + a.equal, -1.0)
        o[13] = mark(rebound(a, b) and piercing(a, b), 1.0)
        o[14] = mark(separating_lines(a, b), b.colour)
        o[15] = mark(inverted(b) and gap_up(a, b), -1.0)
        o[16] = mark(rebound(a, b) and thrusting(a, b), -1.0)


@njit
def counter_attack(a: Candle, b: Candle) -> bool:
    """Two long candles of opposite colour that close at one price."""
    opposite = a.colour == -b.colour and a.body > a.normal and b.body > b.normal
    return opposite and a.close - a.equal <= b.close <= a.close + a.equal


@njit
def dark_cloud_cover(a: Candle, b: Candle) -> bool:
    """A black candle from above a long white one's high down into the lower half of its body."""
    if not (a.colour > 0.0 and a.body > a.normal and b.colour < 0.0 and b.open > a.high):
        return False
    return a.open < b.close < a.close - a.body * 0.5


@njit
def doji_star(a: Candle, b: Candle) -> bool:
    """A doji beyond a long candle, on the side where that one went."""
    away = gap_up(a, b) if a.colour > 0.0 else gap_down(a, b)
    return a.body > a.normal and b.body <= b.tiny and away


@njit
def hammer(c: Candle) -> bool:
    """A short body with a long lower shadow and no upper one."""
    return c.body < c.normal and c.lower > c.body and c.upper < c.tiny


@njit
def inverted(c: Candle) -> bool:
    """A short body with a long upper shadow and no lower one."""
    return c.body < c.normal and c.upper > c.body and c.lower < c.tiny


@njit
def harami(a: Candle, b: Candle, most: float) -> float:
    """A body of at most `most` inside a long one: 100, or 80 where they meet at an end; sign against the long one."""
    if not (a.body > a.normal and b.body <= most):
        return 0.0
    if inside(a, b):
        return -100.0 * a.colour
    return -80.0 * a.colour if b.top <= a.top and b.bottom >= a.bottom else 0.0


@njit
def homing_pigeon(a: Candle, b: Candle) -> bool:
    """A short black body inside a long black one."""
    black = a.colour < 0.0 and b.colour < 0.0
    return black and a.body > a.normal and b.body <= b.normal and b.open < a.open and b.close > a.close


@njit
def rebound(a: Candle, b: Candle) -> bool:
    """A white candle that opens below the low of a long black one."""
    return a.colour < 0.0 and a.body > a.normal and b.colour > 0.0 and b.open < a.low


@njit
def piercing(a: Candle, b: Candle) -> bool:
    """A long candle that closes in the upper half of the body before."""
    return b.body > b.normal and a.close + a.body * 0.5 < b.close < a.open


@njit
def thrusting(a: Candle, b: Candle) -> bool:
    """A close in the lower half of the body before, above the close there."""
    return a.close + a.equal < b.close <= a.close + a.body * 0.5


@njit
def marubozu(c: Candle) -> bool:
    """A long body without shadows."""
    return c.body > c.normal and c.upper < c.tiny and c.lower < c.tiny


@njit
def kicking(a: Candle, b: Candle) -> bool:
    """Two marubozu of opposite colour, and a gap from the first to the second."""
    if not (a.colour == -b.colour and marubozu(a) and marubozu(b)):
        return False
    return b.low > a.high if a.colour < 0.0 else b.high < a.low


@njit
def separating_lines(a: Candle, b: Candle) -> bool:
    """A long candle that opens where one of opposite colour did, without a shadow there."""
    same_open = a.colour == -b.colour and a.open - a.equal <= b.open <= a.open + a.equal
    return same_open and b.body > b.normal and (b.lower if b.colour > 0.0 else b.upper) < b.tiny
