"""Lags: x of one to `period` bars ago, `period` outputs, nearest first; all are there once the last one is.

Inputs of models that look at a sequence; units and scaling are those of x.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1,), per="period"))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to : to + period]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + period] = math.nan
        if math.isnan(x[i]):
            continue
        seen = int(s[0])
        if seen >= period:
            for ago in range(1, period + 1):
                out[i, to + ago - 1] = s[1 + (seen - ago) % period]
        s[1 + seen % period] = x[i]
        s[0] += 1
