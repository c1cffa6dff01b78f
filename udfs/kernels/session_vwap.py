"""Volume-weighted average price of all trades since the session's open, with bands of 1 and 2 standard deviations.

Turnover over volume up to and with this bar, anew each session; the deviation is that of the bars' own average prices,
weighted by volume (divided by the session's volume so far). Summed as deviations from the session's first price (West
1979), so that a large price costs no digits. No value before the session's first volume, nor outside sessions. Units of
price. Source: Berkowitz, Logue, Noser 1988.
"""

import math

from udfs.compiled import njit
from udfs.kernels import turnover_vwap, volume_moments
from udfs.kernels.state import COUNT, Floats, Rows, Slot

PRICE, VOLUME, NONE = (-1, 1, 0), (1, 0, 0), (0, 0, 1)
STATE = (
    COUNT,
    Slot("session", NONE),
    Slot("first", PRICE),
    Slot("weight", VOLUME),
    Slot("mean", PRICE),
    Slot("moment", (-1, 2, 0)),
)
add, bands = volume_moments.add, turnover_vwap.bands


@njit
def step(
    state: Floats, at: int, rows: Rows, volume: Floats, turnover: Floats, session: Floats, out: Floats, to: int
) -> None:
    """From volume, turnover, session float64[M] to out[M, to:to+5] (vwap, +1, -1, +2, -2); a NaN skips the bar."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 5] = math.nan
        if math.isnan(volume[i] + turnover[i] + session[i]):
            continue
        if session[i] != s[1]:
            s[1], s[2], s[3], s[4], s[5] = session[i], 0.0, 0.0, 0.0, 0.0
        s[0] += 1
        if volume[i] > 0.0:
            price = turnover[i] / volume[i]
            if s[3] == 0.0:
                s[2] = price
            s[3], s[4], s[5] = add(s[3], s[4], s[5], price - s[2], volume[i])
        if s[3] > 0.0:
            bands(out, i, to, s[2] + s[4], math.sqrt(s[5] / s[3]))
