"""Chande's momentum oscillator, unsmoothed: 100 * (rises - falls) / (rises + falls) of the last `period` changes.

Rises less falls is the change over the window. Between -100 and 100, first at bar period + 1; 0 in a flat window.
TA-Lib: CMOU (CMO has Wilder's averages instead of sums), but with a sum that does not drift; TA-Lib calls a sum below
1e-14 flat, here only 0 is. Source: Chande, Kroll 1994.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_path
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_path.SLOTS)
push = window_path.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        net, path = push(s[1:], int(s[0]), x[i], period)
        if s[0] >= period:
            out[i, to] = 100.0 * net / path if path > 0.0 else 0.0
        s[0] += 1
