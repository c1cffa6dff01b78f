"""Downside and upside semi-deviation of the last `period` returns: the roots of mean min(r, 0)^2 and mean max(r, 0)^2.

The mean is over all returns of the window, not only those of one sign, so the two squares add up to the mean square.
First when `period` returns are there; not annualised; 0 where no return is of that sign. Source: Sortino, van der Meer
1991 (downside deviation, target 0); Markowitz 1959, ch. 9.
"""

import math

from udfs.compiled import njit
from udfs.kernels.moments import push_mean
from udfs.kernels.state import COUNT, Floats, Rows, Slot


def _half(name: str) -> tuple[Slot, ...]:
    """The layout of `push_mean` for squares."""
    parts = (Slot(f"{name}_{part}", (2,)) for part in ("back_anchor", "back_mean", "front_anchor"))
    return (COUNT, *parts, Slot(f"{name}_ring", (2,), per="period"))


STATE = (*_half("down"), *_half("up"))


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] (returns) to out[M, to:to+2] (downside, upside); a NaN input is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        fall, rise = min(x[i], 0.0), max(x[i], 0.0)
        down = push_mean(s, fall * fall, period)
        up = push_mean(s[4 + period :], rise * rise, period)
        if s[0] >= period:
            out[i, to], out[i, to + 1] = math.sqrt(max(down, 0.0)), math.sqrt(max(up, 0.0))
