"""Commodity channel index: (typical price - its mean) / (0.015 * mean absolute deviation) over the last `period` bars.

Typical price is (high + low + close) / 3, the deviation is from the mean of the same window. 0 in a flat window and
where the price is at its mean, which means by no more than 1e-14 of the mean (relative, as TA-Lib has it, since a third
is rounded). First at bar `period`. Has no unit. Source: Lambert 1980. TA-Lib: CCI, but with all values held as
differences from the newest one, for what is wanted is small beside a price.

The mean deviation has no exact form in O(1), for each new mean changes every term: one pass over the ring a bar.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("ring", (1, 0, 0), per="period"))
ROUNDING = 1e-14


@njit
def step(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, close: Floats, out: Floats, to: int, period: int
) -> None:
    """From high, low, close float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        typical = (high[i] + low[i] + close[i]) / 3.0
        if math.isnan(typical):
            continue
        s[1 + int(s[0]) % period] = typical
        s[0] += 1
        if s[0] >= period:
            out[i, to] = _index(s[1 : 1 + period], typical)


@njit
def _index(ring: Floats, typical: float) -> float:
    """The index of a full ring whose newest value is `typical`."""
    above = spread = 0.0
    for x in ring:
        above += typical - x
    above /= ring.size
    for x in ring:
        spread += abs(typical - x - above)
    spread /= ring.size
    least = ROUNDING * abs(typical - above)
    return above / (0.015 * spread) if abs(above) > least and spread > least else 0.0
