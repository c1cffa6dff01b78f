"""Midpoint: halfway between the largest and the smallest of the last `period` values, first at bar `period`.

Units of its input; a flat window gives its value. TA-Lib: MIDPOINT.
"""

import math

from udfs.compiled import njit
from udfs.kernels import extremes
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *part("largest", extremes.STATE), *part("smallest", extremes.STATE))
push = extremes.push
size = extremes.size


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        largest, _ = push(s[1:], x[i], period, 1.0, False)
        smallest, _ = push(s[1 + size(period) :], x[i], period, -1.0, False)
        s[0] += 1
        if s[0] >= period:
            out[i, to] = (largest + smallest) / 2.0
