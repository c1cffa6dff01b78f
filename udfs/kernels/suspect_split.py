"""Suspicion of a split that nobody announced: 1 from the bar that opens with such a gap until it is resolved, else 0.

A gap: the open against the close before is near (TOLERANCE) 1 / r for a ratio r that splits have, and the bar's volume
over the average volume before is within a factor of SPREAD of r; a crash of the same size trades far more than that.
A split heard of later explains the gap, because state is then replayed with the close before already scaled; a notice
(an action of type OTHER) has it forgotten: one of that day altogether, one of a later day from then on, which helps
where the gap is older than the horizon. Average volume: weight 2 / (period + 1), from the first bar.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (0, 1, 0), forget=True), Slot("volume", (0, 0, 1)), Slot("suspect", forget=True))
RATIOS = np.array([1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 100])
TOLERANCE = 0.05
SPREAD = 3.0


@njit
def _looks_like_split(gap: float, traded: float) -> bool:
    """gap: close before over open; traded: volume over its average."""
    for ratio in RATIOS:
        for r in (ratio, 1.0 / ratio):
            if abs(gap / r - 1.0) < TOLERANCE and r / SPREAD < traded < r * SPREAD:
                return True
    return False


@njit
def step(
    state: Floats, at: int, rows: Rows, opens: Floats, close: Floats, volume: Floats, out: Floats, to: int, period: int
) -> None:
    """From open, close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(opens[i] + close[i] + volume[i]):
            continue
        if s[1] > 0.0 and s[2] > 0.0 and _looks_like_split(s[1] / opens[i], volume[i] / s[2]):
            s[3] = 1.0
        if s[0] > 0:
            out[i, to] = s[3]
        s[2] = volume[i] if s[0] == 0 else (volume[i] - s[2]) * (2.0 / (period + 1)) + s[2]
        s[0] += 1
        s[1] = close[i]
