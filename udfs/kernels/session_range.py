"""Highest and lowest price of the session so far: of all of it, or of its first `minutes` (the opening range).

This bar included, from the session's first bar on. The opening range stands still once a bar ends later than that; a
session that has no bar so early has none. No value outside sessions. Units of price. Source of the opening range:
Crabel 1990.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("session"), Slot("high", (1,)), Slot("low", (0, 1)))


@njit
def _turn(s: Floats, session: float) -> None:
    """Count a bar; a new session begins without a range, which is 0, 0."""
    s[0] += 1
    if session != s[1]:
        s[1], s[2], s[3] = session, 0.0, 0.0


@njit
def _widen(s: Floats, high: float, low: float) -> None:
    """Take a bar into the range."""
    s[2], s[3] = max(s[2], high), min(s[3], low) if s[3] > 0.0 else low


@njit
def so_far(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, session: Floats, out: Floats, to: int
) -> None:
    """From high, low, session float64[M] to out[M, to:to+2]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if not math.isnan(high[i] + low[i] + session[i]):
            _turn(s, session[i])
            _widen(s, high[i], low[i])
            out[i, to], out[i, to + 1] = s[2], s[3]


@njit
def opening(
    state: Floats, at: int, rows: Rows, high: Floats, low: Floats, session: Floats, seconds: Floats, out: Floats,
    to: int, minutes: float,
) -> None:  # fmt: skip
    """From high, low, session, session_time float64[M] to out[M, to:to+2]; a bar with a NaN is skipped."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if not math.isnan(high[i] + low[i] + session[i] + seconds[i]):
            _turn(s, session[i])
            if seconds[i] <= 60.0 * minutes:
                _widen(s, high[i], low[i])
            if s[2] > 0.0:
                out[i, to], out[i, to + 1] = s[2], s[3]
