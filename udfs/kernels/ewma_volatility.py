"""Exponentially weighted volatility of returns a bar: the root of v = decay v + (1 - decay) r^2, the mean taken as 0.

Seeded by the first return's square, first there; a forecast for the next bar, not annualised. `decay` is in percent (94
is RiskMetrics' lambda of 0.94 for daily returns). 0 as long as no return was other than 0. Source: J.P. Morgan,
RiskMetrics Technical Document, 4th ed. 1996, section 5.2.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("variance", (2,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, decay: float) -> None:
    """From x float64[M] (returns) to out[M, to]; a NaN input is skipped and gives NaN."""
    kept = decay / 100.0
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        square = x[i] * x[i]
        s[1] = kept * s[1] + (1.0 - kept) * square if s[0] > 0 else square
        s[0] += 1
        out[i, to] = math.sqrt(s[1])
