"""Candlestick patterns of five bars: 100 for a bullish one, -100 for a bearish one, else 0.

All outputs start at bar 15: four bars and the 10 before them that the settings (see `candles`) average. Penetration of
the mat hold: 0.5. a is the oldest bar, e the last.
TA-Lib: CDLBREAKAWAY, CDLLADDERBOTTOM, CDLMATHOLD, CDLRISEFALL3METHODS.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import BODIES, RANGES, Candle, candle, gap_down, gap_up, layout, mark, scratch, take, totals
from udfs.kernels.state import Floats, Rows

LOOKBACK, SIZE = 14, 15
KEPT = totals((BODIES, 4, 14), (BODIES, 3, 14), (BODIES, 2, 14), (BODIES, 1, 14), (BODIES, 0, 14), (RANGES, 1, 14))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_breakaway", "cdl_ladderbottom", "cdl_mathold", "cdl_risefall3methods",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+4] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        a = candle(s, KEPT, SIZE, means, 4)
        b = candle(s, KEPT, SIZE, means, 3)
        c = candle(s, KEPT, SIZE, means, 2)
        d = candle(s, KEPT, SIZE, means, 1)
        e = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(breakaway(a, b, c, d, e), e.colour)
        o[1] = mark(ladder_bottom(a, b, c, d, e), 1.0)
        o[2] = mark(rest(a, b, c, d) and mat_hold(a, b, c, d, e), 1.0)
        o[3] = mark(rest(a, b, c, d) and three_methods(a, b, c, d, e), a.colour)


@njit
def breakaway(a: Candle, b: Candle, c: Candle, d: Candle, e: Candle) -> bool:
    """A long candle, a gap the same way, two further steps, and a close back inside that gap."""
    if not (a.body > a.normal and a.colour == b.colour and b.colour == d.colour and d.colour == -e.colour):
        return False
    if a.colour < 0.0:
        steps = c.high < b.high and c.low < b.low and d.high < c.high and d.low < c.low
        return gap_down(a, b) and steps and b.open < e.close < a.close
    steps = c.high > b.high and c.low > b.low and d.high > c.high and d.low > c.low
    return gap_up(a, b) and steps and a.close < e.close < b.open


@njit
def ladder_bottom(a: Candle, b: Candle, c: Candle, d: Candle, e: Candle) -> bool:
    """Three black steps down, a black candle with an upper shadow, a white one from above its body past its high."""
    if not (a.colour < 0.0 and b.colour < 0.0 and c.colour < 0.0 and d.colour < 0.0 and e.colour > 0.0):
        return False
    down = a.open > b.open > c.open and a.close > b.close > c.close
    return down and d.upper > d.tiny and e.open > d.open and e.close > d.high


@njit
def rest(a: Candle, b: Candle, c: Candle, d: Candle) -> bool:
    """A long candle, and three short ones."""
    return a.body > a.normal and b.body < b.normal and c.body < c.normal and d.body < d.normal


@njit
def mat_hold(a: Candle, b: Candle, c: Candle, d: Candle, e: Candle) -> bool:
    """The rest of a white candle, first beyond a gap and then falling into its upper half, ends above all of it."""
    if not (a.colour > 0.0 and b.colour < 0.0 and e.colour > 0.0 and gap_up(a, b)):
        return False
    floor = a.close - a.body * 0.5
    held = floor < c.bottom < a.close and floor < d.bottom < a.close
    falling = c.top < b.open and d.top < c.top
    return held and falling and e.open > d.close and e.close > max(b.high, c.high, d.high)


@njit
def three_methods(a: Candle, b: Candle, c: Candle, d: Candle, e: Candle) -> bool:
    """The rest goes against the first candle inside its range; a long one then closes beyond its close."""
    if not (a.colour == -b.colour and b.colour == c.colour and c.colour == d.colour and d.colour == -e.colour):
        return False
    if not (within(a, b) and within(a, c) and within(a, d) and e.body > e.normal):
        return False
    if a.colour > 0.0:
        return b.close > c.close > d.close and e.open > d.close and e.close > a.close
    return b.close < c.close < d.close and e.open < d.close and e.close < a.close


@njit
def within(a: Candle, b: Candle) -> bool:
    """The body of b touches the range of a from inside."""
    return b.bottom < a.high and b.top > a.low
