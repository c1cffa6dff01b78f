"""Double exponential moving average: 2 * EMA - EMA of the EMA, which takes the lag of the EMA off again.

Both of weight 2 / (period + 1), each seeded by the mean of its first `period` inputs; first output at bar
2 * period - 1. Units of its input. TA-Lib: DEMA. Source: Mulloy 1994. Other seeds: see ema.py.
"""

import math

from udfs.compiled import njit
from udfs.kernels import cascade
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("once", (1,)), Slot("twice", (1,)))
push = cascade.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int, seed: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if push(s, x[i], period, 2, seed):
            out[i, to] = 2.0 * s[1] - s[2]
