"""Candlestick patterns of four bars: 100 for a bullish one, -100 for a bearish one, else 0.

Both outputs start at bar 14: three bars and the 10 before them that the settings (see `candles`) average; the four-bar
pattern with a shorter lookback is among `patterns_quick`. a is the oldest bar, d the last.
TA-Lib: CDL3BLACKCROWS, CDLCONCEALBABYSWALL.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import RANGES, Candle, candle, gap_down, layout, mark, scratch, take, totals
from udfs.kernels.state import Floats, Rows

LOOKBACK, SIZE = 13, 14
KEPT = totals((RANGES, 3, 13), (RANGES, 2, 13), (RANGES, 1, 13), (RANGES, 0, 13))
STATE = layout(KEPT, SIZE)
OUTPUTS = (
    "cdl_3blackcrows", "cdl_concealbabyswall",
)  # fmt: skip


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+2] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
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
        o[0] = mark(three_black_crows(a, b, c, d), -1.0)
        o[1] = mark(conceal_baby_swallow(a, b, c, d), 1.0)


@njit
def three_black_crows(a: Candle, b: Candle, c: Candle, d: Candle) -> bool:
    """After a white candle three black ones without lower shadows, each from the body before to a lower close."""
    if not (a.colour > 0.0 and b.colour < 0.0 and c.colour < 0.0 and d.colour < 0.0):
        return False
    bare = b.lower < b.tiny and c.lower < c.tiny and d.lower < d.tiny
    opens = b.close < c.open < b.open and c.close < d.open < c.open
    return bare and opens and a.high > b.close > c.close > d.close


@njit
def conceal_baby_swallow(a: Candle, b: Candle, c: Candle, d: Candle) -> bool:
    """Two black marubozu, a black candle that gaps down but shades up into them, a black one around it all."""
    if not (a.colour < 0.0 and b.colour < 0.0 and c.colour < 0.0 and d.colour < 0.0):
        return False
    bare = a.lower < a.tiny and a.upper < a.tiny and b.lower < b.tiny and b.upper < b.tiny
    baby = gap_down(b, c) and c.upper > c.tiny and c.high > b.close
    return bare and baby and d.high > c.high and d.low < c.low
