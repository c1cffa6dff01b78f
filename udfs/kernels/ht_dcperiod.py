"""Dominant cycle period in bars, 6 to 50: the twice averaged period of the Hilbert transform (see hilbert.py).

Seeded by 0 at bar 13, first at bar 33. It has no unit. TA-Lib: HT_DCPERIOD, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert
from udfs.kernels.state import Floats, Rows

STATE = hilbert.slots(6)
push, EARLY, SMOOTH_PERIOD = hilbert.push, hilbert.EARLY, hilbert.SMOOTH_PERIOD


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        push(s, x[i], EARLY, 6)
        if s[0] > 32:
            out[i, to] = s[SMOOTH_PERIOD]
