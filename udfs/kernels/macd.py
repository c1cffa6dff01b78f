"""MACD: EMA(fast) - EMA(slow), its EMA(signal), and their difference, the histogram.

As TA-Lib has it, the fast average starts late, so that both are first seen at bar `slow` (its seed is the mean of the
`fast` values that end there), and all three outputs start together at bar slow + signal - 1. Units of its input.
TA-Lib: MACD. By the other seeds (see ema.py) all three averages begin at the first bar, as
pandas' ewm does.
"""

import math

from udfs.compiled import njit
from udfs.kernels.ema import MEAN, seeded
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("fast", (1,)), Slot("slow", (1,)), Slot("signal", (1,)))


@njit
def take(
    s: Floats, x: float, fast: int, slow: int, signal: int, fast_weight: float, slow_weight: float, seed: int
) -> float:
    """Take x into the state row s: the line, whose signal is s[3]; both meaningful once s[0] >= slow + signal - 1."""
    s[0] += 1
    n = int(s[0])
    late, first = (slow - fast, slow) if seed == MEAN else (0, 1)
    if n > late:
        s[1] = seeded(n - late, s[1], x, fast, fast_weight, seed)
    s[2] = seeded(n, s[2], x, slow, slow_weight, seed)
    line = s[1] - s[2]
    if n >= first:
        s[3] = seeded(n - first + 1, s[3], line, signal, 2.0 / (signal + 1), seed)
    return float(line)


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: int, slow: int, signal: int, seed: int
) -> None:
    """From x float64[M] to out[M, to:to+3] (line, signal, histogram); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(x[i]):
            continue
        line = take(s, x[i], fast, slow, signal, 2.0 / (fast + 1), 2.0 / (slow + 1), seed)
        if s[0] >= slow + signal - 1:
            out[i, to], out[i, to + 1], out[i, to + 2] = line, s[3], line - s[3]
