"""Triangular moving average of the last `period` values: weights rise to the middle of the window and fall again.

The simple average over period // 2 + 1 of the simple average over (period + 1) // 2; both weights are 1 at the ends,
an even period has two middles. First at bar `period`. Units of its input. TA-Lib: TRIMA (whose running sums drift).
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (
    COUNT,
    *part("inner", moments.MEAN_STATE, lambda p: (p.period + 1) // 2),
    *part("outer", moments.MEAN_STATE, lambda p: p.period // 2 + 1),
)
RING = moments.RING
push_mean = moments.push_mean


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    inner, outer = (period + 1) // 2, period // 2 + 1
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        mean = push_mean(s[1:], x[i], inner)
        if s[0] >= inner:
            mean = push_mean(s[1 + RING + inner :], mean, outer)
        if s[0] >= period:
            out[i, to] = mean
