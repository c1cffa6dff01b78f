"""A value over what is usual at this time of day: relative volume, and the session's volume so far over its usual.

Each day is cut into `bins` of equal length, counted from the session's open. What is usual is the mean over the last
`sessions` sessions, this one not included, that have bars of this bin, each with the mean of its bars there; with bars
as long as a bin that is the value at the same time on those days. No value before there are so many, where the usual is
0, or outside sessions; 1 is as usual. What comes after the day's last bin counts to it. Has no unit. One step a bar,
whatever `sessions` is.
"""

import math

from udfs.compiled import njit
from udfs.kernels import window_sum
from udfs.kernels.state import COUNT, Floats, Rows, Slot

DAY_S = 86_400.0
STATE = (
    COUNT,
    Slot("session", per="bins"),
    Slot("bars", per="bins"),
    Slot("taken", per="bins"),
    Slot("total", (1,), per="bins"),
    Slot("usual", (1,), per="bins"),
    Slot("window", (1,), per=lambda p: p.bins * (1 + p.sessions)),
)
push, size = window_sum.push, window_sum.size


@njit
def step(
    state: Floats, at: int, rows: Rows, x: Floats, session: Floats, seconds: Floats, out: Floats, to: int,
    sessions: int, bins: int,
) -> None:  # fmt: skip
    """From x, session, session_time float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + session[i] + seconds[i]):
            continue
        s[0] += 1
        b = 1 + max(0, min(math.ceil(seconds[i] * bins / DAY_S), bins) - 1)
        bars, taken, total, usual = b + bins, b + 2 * bins, b + 3 * bins, b + 4 * bins
        if s[bars] > 0.0 and session[i] != s[b]:
            window = s[1 + 5 * bins + (b - 1) * size(sessions) :]
            s[usual] = push(window, int(s[taken]), s[total] / s[bars], sessions) / sessions
            s[taken] += 1
            s[bars] = s[total] = 0.0
        s[b] = session[i]
        s[bars] += 1
        s[total] += x[i]
        if s[taken] >= sessions and s[usual] > 0.0:
            out[i, to] = x[i] / s[usual]
