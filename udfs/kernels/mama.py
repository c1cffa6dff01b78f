"""MESA adaptive moving average, and FAMA, the following one: averages whose weight follows the phase of the cycle.

Phase = atan(quadrature / in-phase) in degrees, 0 where in-phase is 0 (see hilbert.py). Weight = fast / the degrees by
which the phase fell since the bar before, not below slow; fast where it fell by less than one degree or rose. MAMA
takes the price with that weight, FAMA takes MAMA with half of it. Both are seeded by 0 (not by a price) at bar 13,
first seen at bar 33, and so low at first. Units of price. TA-Lib: MAMA, the same operations in the same order. Ehlers
2001.
"""

import math

from udfs.compiled import njit
from udfs.kernels import hilbert
from udfs.kernels.state import Floats, Rows, Slot

STATE = (*hilbert.slots(6), Slot("phase"), Slot("mama", (1,)), Slot("fama", (1,)))
PHASE = hilbert.SMOOTH + 6
push, EARLY, DEGREES = hilbert.push, hilbert.EARLY, hilbert.DEGREES


@njit
def _weight(s: Floats, in_phase: float, quadrature: float, fast: float, slow: float) -> float:
    """MAMA's weight on the newest price; keeps the phase."""
    phase = math.atan(quadrature / in_phase) * DEGREES if in_phase != 0.0 else 0.0
    fell = s[PHASE] - phase
    s[PHASE] = phase
    return max(fast / fell, slow) if fell > 1.0 else fast


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, fast: float, slow: float) -> None:
    """From x float64[M] to out[M, to:to+2] (MAMA, FAMA); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        in_phase, quadrature, _ = push(s, x[i], EARLY, 6)
        if s[0] <= EARLY:
            continue
        weight = _weight(s, in_phase, quadrature, fast, slow)
        s[PHASE + 1] = weight * x[i] + (1.0 - weight) * s[PHASE + 1]
        weight *= 0.5
        s[PHASE + 2] = weight * s[PHASE + 1] + (1.0 - weight) * s[PHASE + 2]
        if s[0] > 32:
            out[i, to], out[i, to + 1] = s[PHASE + 1], s[PHASE + 2]
