"""In-phase and quadrature part of the price's cycle by the Hilbert transform (see hilbert.py).

Seeded by 0 at bar 13, first at bar 33. Units of price. TA-Lib: HT_PHASOR, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert
from udfs.kernels.state import Floats, Rows

STATE = hilbert.slots(6)
push, EARLY = hilbert.push, hilbert.EARLY


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] to out[M, to:to+2] (in-phase, quadrature); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        in_phase, quadrature, _ = push(s, x[i], EARLY, 6)
        if s[0] > 32:
            out[i, to], out[i, to + 1] = in_phase, quadrature
