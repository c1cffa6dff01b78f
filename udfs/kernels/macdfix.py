"""MACD with the weights it was published with: 0.15 (seed of 12 bars) less 0.075 (26), signal, and their difference.

The signal has weight 2 / (signal + 1). As in MACD the fast average starts late, so that both are first seen at bar 26,
and all three outputs start together at bar 25 + signal. Units of its input. Source: Appel 1979. TA-Lib: MACDFIX, the
same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import macd
from udfs.kernels.ema import MEAN
from udfs.kernels.state import Floats, Rows

STATE = macd.STATE
take = macd.take
FAST, SLOW = 12, 26
FAST_WEIGHT, SLOW_WEIGHT = 0.15, 0.075


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, signal: int) -> None:
    """From x float64[M] to out[M, to:to+3] (line, signal, histogram); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 3] = math.nan
        if math.isnan(x[i]):
            continue
        line = take(s, x[i], FAST, SLOW, signal, FAST_WEIGHT, SLOW_WEIGHT, MEAN)
        if s[0] >= SLOW + signal - 1:
            out[i, to], out[i, to + 1], out[i, to + 2] = line, s[3], line - s[3]
