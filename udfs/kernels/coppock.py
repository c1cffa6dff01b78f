"""Coppock curve: linearly weighted mean of `period` bars of the sum of two rates of change, in percent.

Rate of change: 100 * (x / x of `roc1` or `roc2` bars ago - 1), 0 where that was 0; the newest weighs `period`, the
oldest 1. First at bar max(roc1, roc2) + period; 0 in a flat window. TA-Lib: COPPOCK, but with a mean that does not
drift (other libraries average the two rates: half of this). Source: Coppock 1962.
"""

import math

from udfs.compiled import njit
from udfs.kernels import weighted
from udfs.kernels.parts import part
from udfs.kernels.state import COUNT, Floats, Rows, Slot

PRICES = Slot("prices", (1,), per=lambda p: max(p.roc1, p.roc2))
STATE = (COUNT, PRICES, *part("rates", weighted.STATE, powers=()))
push = weighted.push


@njit
def _rate(x: float, before: float) -> float:
    return (x / before - 1.0) * 100.0 if before != 0.0 else 0.0


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, roc1: int, roc2: int
) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    far = max(roc1, roc2)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        seen = int(s[0])
        n = seen - far
        if n >= 0:
            rates = _rate(x[i], s[1 + (seen - roc1) % far]) + _rate(x[i], s[1 + (seen - roc2) % far])
            mean = push(s[1 + far :], rates, period)
            if n >= period - 1:
                out[i, to] = mean
        s[1 + seen % far] = x[i]
        s[0] += 1
