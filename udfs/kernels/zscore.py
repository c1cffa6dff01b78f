"""Z-score of the newest value within the last `period`, itself included: (x - mean) / sample deviation (ddof 1).

First at bar `period`; 0 in a flat window. Has no unit. By the convention `population` ddof is 0, as scipy.stats.zscore
has it.
"""

import math

from udfs.compiled import njit
from udfs.kernels import moments
from udfs.kernels.state import Floats, Rows

STATE = moments.STATE
push = moments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, ddof: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        mean, moment = push(s, x[i], period)
        if s[0] >= period:
            out[i, to] = (x[i] - mean) / math.sqrt(moment / (period - ddof)) if moment > 0.0 else 0.0
