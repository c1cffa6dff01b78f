"""Mass index: sum over `slow` bars of EMA / EMA of the EMA of high - low, both of weight 2 / (fast + 1).

Each average is seeded by the mean of its first `fast` inputs; a ratio over 0 counts as 1, so a series that never moved
gives `slow`. First output at bar 2 * fast + slow - 2. Has no unit. TA-Lib: MASSI.
Source: Dorsey 1992.
"""

import math

from udfs.compiled import njit
from udfs.kernels import cascade, moments
from udfs.kernels.ema import MEAN
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("once", (1,)),
    Slot("twice", (1,)),
    *part("ratio", moments.MEAN_STATE, "slow", powers=()),
)
push = cascade.push
push_mean = moments.push_mean


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, fast: int, slow: int
) -> None:
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]) or not push(s, high[i] - low[i], fast, 2, MEAN):
            continue
        mean = push_mean(s[3:], s[1] / s[2] if s[2] != 0.0 else 1.0, slow)
        if s[3] >= slow:
            out[i, to] = mean * slow
