"""Volume-weighted moving average: sum of price * volume over sum of volume of the last `period` bars.

First at bar `period`; a window without volume has no value, one with a single price has that price exactly. Period 1
is the price, whatever the volume. Units of price. TA-Lib: VWMA (whose running sums drift).

As in moments.py the window is the tail of the last full block (every suffix aggregated in advance) and the head of the
present one; here each half is a volume and a mean weighted by it, and nothing is subtracted out again.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("back_mean", (1, 0)),
    Slot("back_volume", (0, 1)),
    Slot("ring", (1, 0), per="period"),
    Slot("ring_volume", (0, 1), per="period"),
)
RING = 3


@njit
def join(mean: float, volume: float, other: float, more: float) -> tuple[float, float]:
    """Mean and volume of two parts; a part without volume says nothing."""
    if more == 0.0:
        return mean, volume
    if volume == 0.0:
        return other, more
    return mean + (other - mean) * (more / (volume + more)), volume + more


@njit
def push(s: Floats, x: float, volume: float, period: int) -> tuple[float, float]:
    """Take a bar into the state row s; the window's mean and volume (meaningful once s[0] >= period)."""
    j = int(s[0]) % period
    if j == 0:
        _turn(s, period)
    s[0] += 1
    s[RING + j], s[RING + period + j] = x, volume
    s[1], s[2] = join(s[1], s[2], x, volume)
    if j == period - 1:
        return float(s[1]), float(s[2])
    return join(s[RING + j + 1], s[RING + period + j + 1], s[1], s[2])


@njit
def _turn(s: Floats, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block."""
    mean = volume = 0.0
    for i in range(period - 1, -1, -1):
        mean, volume = join(mean, volume, s[RING + i], s[RING + period + i])
        s[RING + i], s[RING + period + i] = mean, volume
    s[1] = s[2] = 0.0


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, volume: Floats, out: Floats, to: int, period: int) -> None:
    """From x, volume float64[M] to out[M, to]; a bar with a NaN is skipped and gives NaN."""
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to] = math.nan
        if math.isnan(x[i] + volume[i]):
            continue
        mean, total = push(s, x[i], volume[i], period)
        if period == 1:
            out[i, to] = x[i]
        elif s[0] >= period and total > 0.0:
            out[i, to] = mean
