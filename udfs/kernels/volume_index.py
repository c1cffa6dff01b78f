"""Negative and positive volume index: 1000 at the first bar, then compounding the close's relative change.

Only bars that trade less (`nvi`) or more (`pvi`) than the bar before count; equal volume or a close before of 0 leaves
the index as it is. Has no unit. The index never forgets its first bar: its level means nothing, its changes do.
TA-Lib: NVI, PVI, the same operations in the same order. Source: Dysart; Fosback 1976.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (COUNT, Slot("last", (1, 0)), Slot("volume", (0, 1)), Slot("index"))
START = 1000.0


@njit
def nvi(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    _step(state, at, rows, close, volume, out, to, -1.0)


@njit
def pvi(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int) -> None:
    """From close, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    _step(state, at, rows, close, volume, out, to, 1.0)


@njit
def _step(state: Floats, at: int, rows: Rows, close: Floats, volume: Floats, out: Floats, to: int, sign: float) -> None:
    """sign: 1 to count the bars of more volume, -1 those of less."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(close[i] + volume[i]):
            continue
        if s[0] == 0:
            s[3] = START
        elif sign * volume[i] > sign * s[2] and s[1] != 0.0:
            s[3] += (close[i] - s[1]) / s[1] * s[3]
        s[0] += 1
        s[1], s[2] = close[i], volume[i]
        out[i, to] = s[3]
