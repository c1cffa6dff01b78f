"""Hull's moving average: WMA over floor(sqrt(period)) of 2 * WMA(period // 2) - WMA(period).

Both derived periods are cut off, as Hull has them (others round). First at bar period + floor(sqrt(period)) - 1;
period 1 is the input. Units of its input. TA-Lib: HMA. Source: Hull 2005.
"""

import math

from udfs.compiled import njit
from udfs.kernels import weighted
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (
    COUNT,
    *part("full", weighted.STATE),
    *part("half", weighted.STATE, lambda p: max(p.period // 2, 1)),
    *part("root", weighted.STATE, lambda p: math.isqrt(p.period)),
)
RING = weighted.RING
push = weighted.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    half, root = max(period // 2, 1), int(math.sqrt(period))
    at_half = 1 + RING + period
    at_root = at_half + RING + half
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        s[0] += 1
        full = push(s[1:], x[i], period)
        quick = push(s[at_half:], x[i], half)
        if s[0] >= period:
            hull = push(s[at_root:], 2.0 * quick - full, root)
            if s[0] >= period + root - 1:
                out[i, to] = hull
