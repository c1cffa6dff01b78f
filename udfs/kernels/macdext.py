"""MACD of simple averages: mean(fast) - mean(slow), its mean over `signal`, and their difference, the histogram.

All three start together at bar max(fast, slow) + signal - 1; the smaller period is the fast one in whatever order they
are given. Units of its input. TA-Lib: MACDEXT with matype SMA for all (its sums drift, these do not).
"""

import math

from udfs.compiled import njit
from udfs.kernels.moments import MEAN_STATE, RING, push_mean
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (
    COUNT,
    *part("fast", MEAN_STATE, lambda p: min(p.fast, p.slow)),
    *part("slow", MEAN_STATE, lambda p: max(p.fast, p.slow)),
    *part("signal", MEAN_STATE, "signal"),
)


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: int, slow: int, signal: int
) -> None:
    """From x float64[M] to out[M, to:to+3] (line, signal, histogram); a NaN input is skipped and gives NaN."""
    near, far = min(fast, slow), max(fast, slow)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        line = push_mean(s[1:], x[i], near) - push_mean(s[1 + RING + near :], x[i], far)
        if s[0] < far:
            continue
        mean = push_mean(s[1 + 2 * RING + near + far :], line, signal)
        if s[0] >= far + signal - 1:
            out[i, to], out[i, to + 1], out[i, to + 2] = line, mean, line - mean
