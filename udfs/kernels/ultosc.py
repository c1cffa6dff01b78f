"""Ultimate oscillator: buying pressure over true range, summed over three windows weighted 4 : 2 : 1, 0 to 100.

Buying pressure is close - min(low, close before), true range as ATR's; the shortest of the periods weighs 4 in
whatever order they are given. First at bar max + 1; a window without a range adds 0. Has no unit. Source: Williams
1985. TA-Lib: ULTOSC (its sums drift, these do not; its threshold of 1e-14 is 0 here).
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot
from udfs.kernels.wilder import true_range
from udfs.kernels.window_sum import push, slots

STATE = (
    COUNT,
    Slot("last", (0, 0, 1)),
    *slots("pressure_short", (0, 0, 1), lambda p: min(p.short, p.medium, p.long)),
    *slots("range_short", (1, 0, 0), lambda p: min(p.short, p.medium, p.long)),
    *slots("pressure_medium", (0, 0, 1), lambda p: sorted((p.short, p.medium, p.long))[1]),
    *slots("range_medium", (1, 0, 0), lambda p: sorted((p.short, p.medium, p.long))[1]),
    *slots("pressure_long", (0, 0, 1), lambda p: max(p.short, p.medium, p.long)),
    *slots("range_long", (1, 0, 0), lambda p: max(p.short, p.medium, p.long)),
)


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats,
    out: Floats, to: int, short: int, medium: int, long: int,
) -> None:  # fmt: skip
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    least, most = min(short, medium, long), max(short, medium, long)
    middle = short + medium + long - least - most
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i] + close[i]):
            continue
        n = int(s[0]) - 1
        if n >= 0:
            pressure = close[i] - min(low[i], s[1])
            reach = true_range(high[i], low[i], s[1])
            total = 4.0 * _ratio(s[2:], n, pressure, reach, least)
            total += 2.0 * _ratio(s[4 + 2 * least :], n, pressure, reach, middle)
            total += _ratio(s[6 + 2 * (least + middle) :], n, pressure, reach, most)
            if n + 1 >= most:
                out[i, to] = 100.0 * (total / 7.0)
        s[0] += 1
        s[1] = close[i]


@njit
def _ratio(s: Floats, n: int, pressure: float, reach: float, period: int) -> float:
    """Take both values into their sums; their ratio, 0 without a range."""
    over = push(s, n, pressure, period)
    under = push(s[1 + period :], n, reach, period)
    return over / under if under != 0.0 else 0.0
