"""Candlestick patterns of three bars of one colour that march one way, and may tire.

100 for a bullish one, -100 for a bearish one, else 0. All outputs start at bar 13: two bars and the 10 before them
that the settings (see `candles`) average. c is the last bar.
TA-Lib: CDL3STARSINSOUTH, CDL3WHITESOLDIERS, CDLADVANCEBLOCK, CDLIDENTICAL3CROWS, CDLSTALLEDPATTERN.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import BODIES, NEARBY, RANGES, SHADOWS, Candle, candle, layout, mark, scratch, take, totals
from udfs.kernels.state import Floats, Rows

LOOKBACK, SIZE = 12, 13
KEPT = totals(
    (BODIES, 2, 12),
    (BODIES, 1, 12),
    (BODIES, 0, 12),
    (RANGES, 2, 12),
    (RANGES, 1, 12),
    (RANGES, 0, 12),
    (SHADOWS, 2, 12),
    (SHADOWS, 1, 12),
    (SHADOWS, 0, 12),
    (NEARBY, 2, 12),
    (NEARBY, 1, 12),
)
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_3starsinsouth", "cdl_3whitesoldiers", "cdl_advanceblock", "cdl_identical3crows",
    "cdl_stalledpattern",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+5] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        a = candle(s, KEPT, SIZE, means, 2)
        b = candle(s, KEPT, SIZE, means, 1)
        c = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(three_stars_in_south(a, b, c), 1.0)
        o[1] = mark(advance(a, b, c) and three_white_soldiers(a, b, c), 1.0)
        o[2] = mark(advance(a, b, c) and advance_block(a, b, c), -1.0)
        o[3] = mark(identical_three_crows(a, b, c), -1.0)
        o[4] = mark(stalled(a, b, c), -1.0)


@njit
def white(a: Candle, b: Candle, c: Candle) -> bool:
    """Three white candles, each with a higher close."""
    return a.colour > 0.0 and b.colour > 0.0 and c.colour > 0.0 and a.close < b.close < c.close


@njit
def advance(a: Candle, b: Candle, c: Candle) -> bool:
    """Three white candles, each of which opens in or near the body before and closes higher."""
    opens = a.open < b.open <= a.close + a.near and b.open < c.open <= b.close + b.near
    return white(a, b, c) and opens


@njit
def three_white_soldiers(a: Candle, b: Candle, c: Candle) -> bool:
    """No upper shadows, no body far shorter than the one before, the last not short."""
    bare = a.upper < a.tiny and b.upper < b.tiny and c.upper < c.tiny
    return bare and b.body > a.body - a.far and c.body > b.body - b.far and c.body > c.normal


@njit
def advance_block(a: Candle, b: Candle, c: Candle) -> bool:
    """After a long candle the bodies shrink or upper shadows grow."""
    if not (a.body > a.normal and a.upper < a.shadow):
        return False
    if b.body < a.body - a.far and c.body < b.body + b.near:
        return True
    if c.body < b.body - b.far:
        return True
    shaded = b.upper > b.shadow or c.upper > c.shadow
    return c.body < b.body and ((b.body < a.body and shaded) or c.upper > c.body)


@njit
def stalled(a: Candle, b: Candle, c: Candle) -> bool:
    """Two long white candles, then a short one that rides on the shoulder of the second."""
    if not (white(a, b, c) and a.body > a.normal and b.body > b.normal and b.upper < b.tiny):
        return False
    return a.open < b.open <= a.close + a.near and c.body < c.normal and c.open >= b.close - c.body - b.near


@njit
def identical_three_crows(a: Candle, b: Candle, c: Candle) -> bool:
    """Three black candles without lower shadows, each from the close before to a lower one."""
    if not (a.colour < 0.0 and b.colour < 0.0 and c.colour < 0.0 and a.close > b.close > c.close):
        return False
    bare = a.lower < a.tiny and b.lower < b.tiny and c.lower < c.tiny
    second = a.close - a.equal <= b.open <= a.close + a.equal
    return bare and second and b.close - b.equal <= c.open <= b.close + b.equal


@njit
def three_stars_in_south(a: Candle, b: Candle, c: Candle) -> bool:
    """Three black candles, each in the range of the one before; the first has a long lower shadow, the last none."""
    if not (a.colour < 0.0 and b.colour < 0.0 and c.colour < 0.0 and a.body > a.normal and a.lower > a.body):
        return False
    if not (b.body < a.body and a.close < b.open <= a.high and a.low <= b.low < a.close and b.lower > b.tiny):
        return False
    bare = c.body < c.normal and c.lower < c.tiny and c.upper < c.tiny
    return bare and c.low > b.low and c.high < b.high
