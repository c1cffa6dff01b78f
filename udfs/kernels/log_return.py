"""Log return: ln(x / x of the bar before), 1 bar to start. A split scales the kept price, so the ex-day is exact."""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1,)))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] > 0 to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i]):
            continue
        if s[0] > 0:
            out[i, to] = math.log(x[i] / s[1])
        s[0] += 1
        s[1] = x[i]
