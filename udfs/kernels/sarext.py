"""Parabolic stop and reverse with all its settings: as sar.py, negative while the position is short.

start: 0 lets the prices choose the side; else the first stop, a price as of the security's first bar, of a long
position, or its negative of a short one (it is no state, so no split restates it). offset: a turn puts the stop off by
this share of itself. init, by and max: the share of the distance to the extreme after a turn, its growth with each
new extreme and its bound, for each side. Units of price. TA-Lib: SAREXT, the same operations in the same order.
"""

import math

from udfs.compiled import njit
from udfs.kernels import sar
from udfs.kernels.state import Floats, Rows

STATE = sar.STATE
open_side = sar.open_side
advance = sar.advance


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, out: Floats, to: int, start: float, offset: float,
    long_init: float, long_by: float, long_max: float, short_init: float, short_by: float, short_max: float,
) -> None:  # fmt: skip
    """From high, low float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    long_init, long_by = min(long_init, long_max), min(long_by, long_max)
    short_init, short_by = min(short_init, short_max), min(short_by, short_max)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(high[i] + low[i]):
            continue
        s[0] += 1
        if s[0] == 1:
            s[5], s[6] = high[i], low[i]
            continue
        if s[0] == 2:
            open_side(s, high[i], low[i], start)
            s[4] = long_init if s[1] > 0.0 else short_init
        if s[1] > 0.0:
            met = advance(s, high[i], low[i], offset, short_init, long_by, long_max)
        else:
            met = advance(s, high[i], low[i], offset, long_init, short_by, short_max)
        out[i, to] = met * s[1]
