"""Ichimoku: the middle of the highest high and the lowest low of the last `tenkan`, `kijun` and `senkou` bars.

Tenkan-sen and kijun-sen are the middles of their windows, senkou span A the mean of the two, span B the middle of the
`senkou` window. Spans are of the bar that they are known at: a chart draws them `kijun` bars later. (Chikou is the
close, drawn `kijun` bars earlier, and no feature: it would tell the future.) Each from the bar on at which its window
is full. Units of price; in a flat window all are the price. Source: Hosoda, Ichimoku Kinko Hyo, 1969; Elliott 2007.
"""

import math
from typing import Any

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.state import COUNT, Floats, Rows, Slot

push, size = extremes.push, extremes.size


def _queue(of: str, powers: tuple[int, int], per: str) -> tuple[Slot, ...]:
    """State of `extremes.push` for one input over the window `per`."""

    def slots(p: Any) -> int:
        return int(getattr(p, per))

    return (
        Slot(f"{of}_{per}_count"),
        Slot(f"{of}_{per}_first"),
        Slot(f"{of}_{per}_size"),
        Slot(f"{of}_{per}", powers, per=slots),
        Slot(f"{of}_{per}_bars", per=slots),
    )


STATE = (
    COUNT,
    *(
        slot
        for per in ("tenkan", "kijun", "senkou")
        for slot in (*_queue("high", (1, 0), per), *_queue("low", (0, 1), per))
    ),
)


@njit
def _middle(s: Floats, high: float, low: float, period: int) -> float:
    """Take a bar into the two queues of one window; the window's middle."""
    highest, _ = push(s, high, period, 1.0, False)
    lowest, _ = push(s[size(period) :], low, period, -1.0, False)
    return (highest + lowest) / 2.0


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, tenkan: int, kijun: int,
    senkou: int,
) -> None:  # fmt: skip
    """From high, low float64[M] to out[M, to:to+4] (tenkan, kijun, A, B); a bar with a NaN is skipped and gives NaN."""
    second = 1 + 2 * size(tenkan)
    third = second + 2 * size(kijun)
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
