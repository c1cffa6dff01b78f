"""How the price varied from trade to trade of one bar, from the first bar on; the state only counts bars.

`realised_volatility` is the root of realised variance RV, the sum of r^2 over the returns r between the bar's trades;
`bipower_volatility` that of bipower variation BV, pi/2 times the sum of |r| |r before|, which jumps do not move;
`jump_ratio` is max(0, 1 - BV / RV), the share of the variance that came in jumps, 0 for a price that stood still. Not
annualised, no unit; the step from bar to bar is in none of them. Source: Barndorff-Nielsen, Shephard 2004.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT,)


@njit
def root(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From a variance x float64[M] to out[M, to]; a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(x[i]):
            out[i, to] = math.sqrt(x[i])
            state[rows[i], at] += 1


@njit
def jumps(state: Floats, at: int, rows: Rows, variance: Floats, bipower: Floats, out: Floats, to: int) -> None:
    """From realised variance and bipower variation, float64[M], to out[M, to]; a bar with a NaN is skipped."""
    for i in range(rows.size):
        out[i, to] = math.nan
        if not math.isnan(variance[i] + bipower[i]):
            out[i, to] = max(0.0, 1.0 - bipower[i] / variance[i]) if variance[i] > 0.0 else 0.0
            state[rows[i], at] += 1
