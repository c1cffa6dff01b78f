"""Tillson's T3: the map EMA * (1 + factor) - EMA of the EMA * factor, applied three times.

Written out, with E(k) the EMA taken k times: the weights of E(3) to E(6) are those of (1 + factor - factor * E) ** 3.
Factor 0 is the EMA of the EMA of the EMA, factor 1 a DEMA taken three times. All of weight 2 / (period + 1), each
seeded by the mean of its first `period` inputs; first output at bar 6 * period - 5. Units of its input.
TA-Lib: T3. Source: Tillson 1998. Other seeds: see ema.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels import cascade
from udfs.kernels.state import COUNT, Floats, Rows, Slot

LEVELS = 6
STATE = (COUNT, *(Slot(f"ema_{level}", (1,)) for level in range(1, LEVELS + 1)))
push = cascade.push


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, factor: float, seed: int
) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    square = factor * factor
    cube = square * factor
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if push(s, x[i], period, LEVELS, seed):
            low = -cube * s[6] + 3.0 * (square + cube) * s[5]
            mid = low + (-6.0 * square - 3.0 * (factor + cube)) * s[4]
            out[i, to] = mid + (1.0 + 3.0 * factor + cube + 3.0 * square) * s[3]
