"""Candlestick patterns of one bar: lines, marubozu, doji. 100 or, for a black candle whose colour tells, -100; else 0.

All outputs start at bar 11, after the 10 bars that the settings (see `candles`) average.
TA-Lib: CDLBELTHOLD, CDLCLOSINGMARUBOZU, CDLDOJI, CDLDRAGONFLYDOJI, CDLGRAVESTONEDOJI, CDLHIGHWAVE, CDLLONGLEGGEDDOJI,
CDLLONGLINE, CDLMARUBOZU, CDLRICKSHAWMAN, CDLSHORTLINE, CDLSPINNINGTOP, CDLTAKURI.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import BODIES, NEARBY, RANGES, SHADOWS, Candle, candle, layout, mark, scratch, take, totals
from udfs.kernels.state import Floats, Rows

LOOKBACK, SIZE = 10, 11
KEPT = totals((BODIES, 0, 10), (RANGES, 0, 10), (SHADOWS, 0, 10), (NEARBY, 0, 10))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_belthold", "cdl_closingmarubozu", "cdl_doji", "cdl_dragonflydoji", "cdl_gravestonedoji",
    "cdl_highwave", "cdl_longleggeddoji", "cdl_longline", "cdl_marubozu", "cdl_rickshawman", "cdl_shortline",
    "cdl_spinningtop", "cdl_takuri",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+13] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[: len(OUTPUTS)] = math.nan
        if not take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK):
            continue
        c = candle(s, KEPT, SIZE, means, 0)
        o[0] = mark(belt_hold(c), c.colour)
        o[1] = mark(closing_marubozu(c), c.colour)
        o[2] = mark(doji(c), 1.0)
        o[3] = mark(doji(c) and c.upper < c.tiny and c.lower > c.tiny, 1.0)
        o[4] = mark(doji(c) and c.lower < c.tiny and c.upper > c.tiny, 1.0)
        o[5] = mark(spinning(c, 2.0), c.colour)
        o[6] = mark(doji(c) and (c.lower > c.body or c.upper > c.body), 1.0)
        o[7] = mark(c.body > c.normal and small_shadows(c), c.colour)
        o[8] = mark(c.body > c.normal and c.upper < c.tiny and c.lower < c.tiny, c.colour)
        o[9] = mark(rickshaw_man(c), 1.0)
        o[10] = mark(c.body < c.normal and small_shadows(c), c.colour)
        o[11] = mark(spinning(c, 1.0), c.colour)
        o[12] = mark(doji(c) and c.upper < c.tiny and c.lower > 2.0 * c.body, 1.0)


@njit
def doji(c: Candle) -> bool:
    """Next to no body."""
    return c.body <= c.tiny


@njit
def belt_hold(c: Candle) -> bool:
    """Long, next to no shadow at the open."""
    return c.body > c.normal and (c.lower if c.colour > 0.0 else c.upper) < c.tiny


@njit
def closing_marubozu(c: Candle) -> bool:
    """Long, next to no shadow at the close."""
    return c.body > c.normal and (c.upper if c.colour > 0.0 else c.lower) < c.tiny


@njit
def small_shadows(c: Candle) -> bool:
    """Both shadows short."""
    return c.upper < c.shadow and c.lower < c.shadow


@njit
def spinning(c: Candle, times: float) -> bool:
    """Short, both shadows longer than `times` the body."""
    return c.body < c.normal and c.upper > times * c.body and c.lower > times * c.body


@njit
def rickshaw_man(c: Candle) -> bool:
    """A doji with long shadows near the middle of its range."""
    middle = c.low + (c.high - c.low) / 2.0
    near_middle = c.bottom <= middle + c.near and c.top >= middle - c.near
    return doji(c) and c.lower > c.body and c.upper > c.body and near_middle
