"""Beta: slope of the regression of y's simple returns on x's over the last `period` returns, first at bar period + 1.

x, the first input, stands for the market. 0 where x's returns do not move, that is, where period^2 times their variance
is below 1e-14, which no split changes, since returns have no unit. TA-Lib: BETA.
"""

import math

from udfs.compiled import njit
from udfs.kernels import comoments
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last_x", (1, 0)), Slot("last_y", (0, 1)), *comoments.layout((0, 0), (0, 0)))
FLAT = 1e-14
push = comoments.push


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, y: Floats, out: Floats, to: int, period: int) -> None:
    """From x, y float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN; from a price of 0 none returns."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + y[i]):
            continue
        if s[0] > 0:
            of_x = (x[i] - s[1]) / s[1] if s[1] != 0.0 else 0.0
            of_y = (y[i] - s[2]) / s[2] if s[2] != 0.0 else 0.0
            xx, xy, _ = push(s[3:], of_x, of_y, period)
            if s[0] >= period:
                out[i, to] = xy / xx if xx * period >= FLAT else 0.0
        s[0] += 1
        s[1], s[2] = x[i], y[i]
