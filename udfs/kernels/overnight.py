"""Overnight return: natural logarithm of the session's first open over the last close of the session before.

Known from the session's first bar on and the same until its end; none in the first session, nor outside sessions.
Splits between the two are in the close by then. Has no unit. Source: Cooper, Cliff, Gulen 2008.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("session"), Slot("close", (0, 1)), Slot("sessions"), Slot("value"))


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, close: Floats, session: Floats, out: Floats, to: int
) -> None:
    """From open, close, session float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(opens[i] + close[i] + session[i]):
            continue
        if s[0] == 0.0 or session[i] != s[1]:
            s[4] = math.log(opens[i] / s[2]) if s[0] > 0.0 else 0.0
            s[1] = session[i]
            s[3] += 1
        s[2] = close[i]
        s[0] += 1
        if s[3] > 1.0:
            out[i, to] = s[4]
