"""Kaufman's efficiency ratio: absolute change over `period` bars, over the sum of the absolute one-bar changes.

Between 0 (noise) and 1 (a straight way), first at bar period + 1; 1 in a flat window. TA-Lib: ER, but with a sum that
does not drift. Source: Kaufman 1995.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_path
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_path.SLOTS)
push = window_path.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        net, path = push(s[1:], int(s[0]), x[i], period)
        if s[0] >= period:
            out[i, to] = abs(net) / path if path > abs(net) else 1.0
        s[0] += 1
