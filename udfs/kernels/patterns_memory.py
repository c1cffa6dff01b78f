"""Candlestick patterns that are confirmed by a later bar: the hikkake and its modified form.

A hikkake is a bar inside the one before, then one with both high and low lower (bull: 100) or higher (bear: -100). If
one of the next three bars closes beyond the inside bar's high (bull) or low (bear), before another hikkake comes, that
bar is 200 or -200. The modified one has two inside bars in a row, the first of which closes near its low (bull) or
high (bear). Both outputs start at bar 11, but patterns from bar 3 (modified: bar 8) on wait for their confirmation.
TA-Lib: CDLHIKKAKE, CDLHIKKAKEMOD.
"""

import math

from udfs.compiled import njit
from udfs.kernels.candles import NEARBY, Candle, candle, layout, scratch, take, totals
from udfs.kernels.state import Floats, Rows, Slot

LOOKBACK, SIZE = 10, 8
KEPT = totals((NEARBY, 2, 7))
BARS = layout(KEPT, SIZE)
WAITING = 2 + 4 * SIZE  # the slots after those of BARS: of each pattern its sign, its bar, the price that confirms it
STATE = (
    *BARS,
    Slot("sign"), Slot("bar"), Slot("beyond", (1,)),
    Slot("sign_modified"), Slot("bar_modified"), Slot("beyond_modified", (1,)),
)  # fmt: skip
OUTPUTS = ("cdl_hikkake", "cdl_hikkakemod")


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, high: Floats, low: Floats, close: Floats, out: Floats, to: int
) -> None:
    """From bars float64[M] to out[M, to:to+2] in the order of OUTPUTS; a bar with a NaN is skipped and gives NaN."""
    means = scratch()
    for i in range(rows.size):
        s, o = state[rows[i], at:], out[i, to:]
        o[:2] = math.nan
        before = s[0]
        ready = take(s, KEPT, SIZE, means, opens[i], high[i], low[i], close[i], LOOKBACK)
        if s[0] == before or s[0] < 3:
            continue
        b, c, d = candle(s, KEPT, SIZE, means, 2), candle(s, KEPT, SIZE, means, 1), candle(s, KEPT, SIZE, means, 0)
        plain = wait(s, WAITING, trap(b, c, d), c, d)
        modified = 0.0
        if s[0] >= 8:
            modified = wait(s, WAITING + 3, trap_modified(candle(s, KEPT, SIZE, means, 3), b, c, d), c, d)
        if ready:
            o[0], o[1] = plain, modified


@njit
def wait(s: Floats, slot: int, sign: float, c: Candle, d: Candle) -> float:
    """The output of bar d, a pattern of this sign (0: none) whose inside bar is c, or the confirmation of one."""
    if sign != 0.0:
        s[slot], s[slot + 1], s[slot + 2] = sign, s[0], c.high if sign > 0.0 else c.low
        return 100.0 * sign
    beyond = d.close > s[slot + 2] if s[slot] > 0.0 else d.close < s[slot + 2]
    if s[slot + 1] > 0.0 and s[0] <= s[slot + 1] + 3 and beyond:
        s[slot + 1] = 0.0
        return float(200.0 * s[slot])
    return 0.0


@njit
def trap(b: Candle, c: Candle, d: Candle) -> float:
    """1 or -1 where d leaves the inside bar c downwards or upwards with both ends, else 0."""
    if not (c.high < b.high and c.low > b.low):
        return 0.0
    if d.high < c.high and d.low < c.low:
        return 1.0
    return -1.0 if d.high > c.high and d.low > c.low else 0.0


@njit
def trap_modified(a: Candle, b: Candle, c: Candle, d: Candle) -> float:
    """As `trap`, if b is inside a, too, and closes near the end to which d leaves."""
    sign = trap(b, c, d)
    if not (b.high < a.high and b.low > a.low):
        return 0.0
    return sign if (b.close <= b.low + b.near if sign > 0.0 else b.close >= b.high - b.near) else 0.0
