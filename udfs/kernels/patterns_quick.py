"""Candlestick patterns whose lookback is eight bars or less: engulfings, gaps that stay open, equal closes.

100 for a bullish one, -100 for a bearish one, else 0; an engulfing whose bodies meet at one end is 80 or -80. All
outputs start at bar 9, which the longest needs: four bars and the 5 before the first that the settings (see `candles`)
average. d is the last bar, a the one three before.
TA-Lib: CDL3LINESTRIKE, CDL3OUTSIDE, CDLENGULFING, CDLGAPSIDESIDEWHITE, CDLMATCHINGLOW, CDLSTICKSANDWICH, CDLTASUKIGAP,
CDLXSIDEGAP3METHODS.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import (
    EQUAL,
    NEAR,
    NEARBY,
    NEARBY_TOO,
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

LOOKBACK, SIZE = 8, 9
KEPT = totals((NEARBY_TOO, 3, 8), (NEARBY_TOO, 2, 8), (NEARBY_TOO, 1, 6), (NEARBY, 2, 7), (NEARBY, 1, 7))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_3linestrike", "cdl_3outside", "cdl_engulfing", "cdl_gapsidesidewhite", "cdl_matchinglow",
    "cdl_sticksandwich", "cdl_tasukigap", "cdl_xsidegap3methods",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+8] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        a = candle(s, KEPT, SIZE, means, 3)
        b = candle(s, KEPT, SIZE, means, 2)
        c = candle(s, KEPT, SIZE, means, 1)
        d = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(three_line_strike(a, b, c, d, means), c.colour)
        o[1] = mark(three_outside(b, c, d), c.colour)
        o[2] = engulfing(c, d)
        o[3] = mark(gap_side_by_side(b, c, d), 1.0 if gap_up(b, c) else -1.0)
        o[4] = mark(matching_low(c, d, EQUAL * means[NEARBY_TOO, 1]), 1.0)
        o[5] = mark(stick_sandwich(b, c, d), 1.0)
        o[6] = mark(tasuki_gap(b, c, d), c.colour)
        o[7] = mark(gap_three_methods(b, c, d), b.colour)


@njit
def engulfing(a: Candle, b: Candle) -> float:
    """A body around one of opposite colour: 100, or 80 where they meet at one end, of its own colour."""
    if a.colour != -b.colour or b.top < a.top or b.bottom > a.bottom or (b.top == a.top and b.bottom == a.bottom):
        return 0.0
    return b.colour * (100.0 if inside(b, a) else 80.0)


@njit
def three_outside(a: Candle, b: Candle, c: Candle) -> bool:
    """A body wholly around one of opposite colour, and a close further on."""
    further = c.close > b.close if b.colour > 0.0 else c.close < b.close
    return b.colour == -a.colour and inside(b, a) and further


@njit
def matching_low(a: Candle, b: Candle, equal: float) -> bool:
    """Two black candles that close at one price."""
    return a.colour < 0.0 and b.colour < 0.0 and a.close - equal <= b.close <= a.close + equal


@njit
def stick_sandwich(a: Candle, b: Candle, c: Candle) -> bool:
    """Black, white and black: the white one trades above the close at which both black ones end."""
    if not (a.colour < 0.0 and b.colour > 0.0 and c.colour < 0.0 and b.low > a.close):
        return False
    return a.close - a.equal <= c.close <= a.close + a.equal


@njit
def gap_side_by_side(a: Candle, b: Candle, c: Candle) -> bool:
    """Two white candles of like size and open, both beyond a gap."""
    if not ((gap_up(a, b) and gap_up(a, c)) or (gap_down(a, b) and gap_down(a, c))):
        return False
    like = b.body - b.near <= c.body <= b.body + b.near and b.open - b.equal <= c.open <= b.open + b.equal
    return b.colour > 0.0 and c.colour > 0.0 and like


@njit
def tasuki_gap(a: Candle, b: Candle, c: Candle) -> bool:
    """A candle goes on beyond a gap; one of like size and opposite colour goes from its body back into the gap."""
    if not (c.colour == -b.colour and b.bottom < c.open < b.top and abs(b.body - c.body) < b.near):
        return False
    if b.colour > 0.0:
        return gap_up(a, b) and a.top < c.close < b.open
    return gap_down(a, b) and b.open < c.close < a.bottom


@njit
def gap_three_methods(a: Candle, b: Candle, c: Candle) -> bool:
    """Two candles of one colour with a gap between, closed by the third from body to body."""
    if not (
        a.colour == b.colour and c.colour == -b.colour and b.bottom < c.open < b.top and a.bottom < c.close < a.top
    ):
        return False
    return gap_up(a, b) if a.colour > 0.0 else gap_down(a, b)


@njit
def three_line_strike(a: Candle, b: Candle, c: Candle, d: Candle, means: Floats) -> bool:
    """Three candles step one way from body to body; the fourth opens beyond the last and closes behind the first."""
    if not (a.colour == b.colour and b.colour == c.colour and d.colour == -c.colour):
        return False
    near_a, near_b = NEAR * means[NEARBY_TOO, 3], NEAR * means[NEARBY_TOO, 2]
    second = a.bottom - near_a <= b.open <= a.top + near_a
    if not (second and b.bottom - near_b <= c.open <= b.top + near_b):
        return False
    if c.colour > 0.0:
        return a.close < b.close < c.close < d.open and d.close < a.open
    return a.close > b.close > c.close > d.open and d.close > a.open
