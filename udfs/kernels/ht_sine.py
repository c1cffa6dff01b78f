"""Sine wave indicator: sine of the dominant cycle's phase (see ht_dcphase.py), and of the phase 45 degrees ahead.

First at bar 64, -1 to 1, without a unit. TA-Lib: HT_SINE, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert, ht_dcphase
from udfs.kernels.state import Floats, Rows

STATE = ht_dcphase.STATE
RADIANS = 1.0 / hilbert.DEGREES
LATE, LONGEST = hilbert.LATE, hilbert.LONGEST
push, turn = hilbert.push, ht_dcphase.turn


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to:to+2] (sine, lead sine); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        push(s, x[i], LATE, LONGEST)
        if s[0] > LATE:
            phase = turn(s)
            if s[0] > 63:
                out[i, to], out[i, to + 1] = math.sin(phase * RADIANS), math.sin((phase + 45.0) * RADIANS)
