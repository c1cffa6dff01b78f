"""True strength index: 100 * EMA(second) of EMA(first) of the change, over the same averages of the absolute change.

Each average is seeded by the mean of its own first inputs; first output at bar first + second. Between -100 and 100;
0 for a series that never moved. TA-Lib: TSI. Source: Blau 1991.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import smooth
from udfs.kernels.state import COUNT, Floats, Rows, Slot

NAMES = ("last", "first", "second", "first_absolute", "second_absolute")
STATE = (COUNT, *(Slot(name, (1,)) for name in NAMES))


@njit
def twice(s: Floats, n: int, x: float, first: int, second: int) -> float:
    """Take x, value n (from 1), into the two averages at s: the second."""
    s[0] = smooth(n, s[0], x, first)
    if n >= first:
        s[1] = smooth(n - first + 1, s[1], s[0], second)
    return float(s[1])


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, first: int, second: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        n = int(s[0])
        if n > 0:
            change = twice(s[2:], n, x[i] - s[1], first, second)
            path = twice(s[4:], n, abs(x[i] - s[1]), first, second)
            if n >= first + second - 1:
                out[i, to] = 100.0 * change / path if path > 0.0 else 0.0
        s[0] += 1
        s[1] = x[i]
