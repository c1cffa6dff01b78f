"""Volume bought less volume sold over volume, of the trades of the last `period` bars: tick imbalance; and VPIN.

Sides by the tick rule (Lee, Ready 1991), sums over the window before the division, so that a busy bar counts for more:
-1 to 1. VPIN sums the bars' imbalances without their signs, 0 to 1; its buckets here are bars of time, not of equal
volume, which no split could restate. First at bar `period`; 0 in a window without volume. Have no unit. Source of VPIN:
Easley, Lopez de Prado, O'Hara 2012.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows

STATE = (COUNT, *window_sum.slots("signed", (1, 0)), *window_sum.slots("volume", (0, 1)))
push, size = window_sum.push, window_sum.size


@njit
def step(
    state: Floats, at: int, rows: Rows, signed: Floats, volume: Floats, out: Floats, to: int, period: int
) -> None:  # fmt: skip
    """From signed volume and volume, float64[M], to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        out[i, to] = _share(state[rows[i], at:], signed[i], volume[i], period)


@njit
def vpin(
    state: Floats, at: int, rows: Rows, signed: Floats, volume: Floats, out: Floats, to: int, period: int
) -> None:  # fmt: skip
    """The same of the size of the signed volume: VPIN, 0 to 1."""
    for i in range(rows.size):
        out[i, to] = _share(state[rows[i], at:], abs(signed[i]), volume[i], period)


@njit
def _share(s: Floats, part: float, volume: float, period: int) -> float:
    """Take a bar into both sums: their ratio, NaN before the window is full and for a bar that is skipped."""
    if math.isnan(part + volume):
        return math.nan
    over = push(s[1:], int(s[0]), part, period)
    under = push(s[1 + size(period) :], int(s[0]), volume, period)
    s[0] += 1
    if s[0] < period:
        return math.nan
    return over / under if under > 0.0 else 0.0
