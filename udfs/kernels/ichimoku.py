"""Ichimoku: the middle of the highest high and the lowest low of the last `tenkan`, `kijun` and `senkou` bars.

Tenkan-sen and kijun-sen are the middles of their windows, senkou span A the mean of the two, span B the middle of the
`senkou` window. Spans are of the bar that they are known at: a chart draws them `kijun` bars later. (Chikou is the
close, drawn `kijun` bars earlier, and no feature: it would tell the future.) Each from the bar on at which its window
is full. Units of price; in a flat window all are the price. Source: Hosoda, Ichimoku Kinko Hyo, 1969; Elliott 2007.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_range
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *(slot for per in ("tenkan", "kijun", "senkou") for slot in window_range.slots(per, (1,), per)))
push, size = window_range.push, window_range.size


@njit
def _middle(s: Floats, high: float, low: float, period: int) -> float:
    """Take a bar into one window; the window's middle."""
    highest, lowest = push(s, high, low, period)
    return (highest + lowest) / 2.0


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, tenkan: int, kijun: int,
    senkou: int,
) -> None:  # fmt: skip
    """From high, low float64[M] to out[M, to:to+4] (tenkan, kijun, A, B); a bar with a NaN is skipped and gives NaN."""
    second = 1 + size(tenkan)
    third = second + size(kijun)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 4] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        s[0] += 1
        one = _middle(s[1:], high[i], low[i], tenkan)
        two = _middle(s[second:], high[i], low[i], kijun)
        three = _middle(s[third:], high[i], low[i], senkou)
        if s[0] >= tenkan:
            out[i, to] = one
        if s[0] >= kijun:
            out[i, to + 1] = two
        if s[0] >= max(tenkan, kijun):
            out[i, to + 2] = (one + two) / 2.0
        if s[0] >= senkou:
            out[i, to + 3] = three
