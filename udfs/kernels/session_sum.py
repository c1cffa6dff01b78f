"""Volume of the session so far, this bar included; begins anew with each session, no value outside sessions.

Units of volume. A sum of whole numbers is exact.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("session"), Slot("sum", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, session: Floats, out: Floats, to: int) -> None:
    """From x (volume), session float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + session[i]):
            continue
        if session[i] != s[1]:
            s[1], s[2] = session[i], 0.0
        s[2] += x[i]
        s[0] += 1
        out[i, to] = s[2]
