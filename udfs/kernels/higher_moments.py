"""Skew and excess kurtosis of the last `period` values, both corrected for bias (Fisher and Pearson's G1, G2).

With central moments m2, m3, m4 of n values: G1 = sqrt(n (n - 1)) / (n - 2) m3 / m2^1.5 and
G2 = (n - 1) / ((n - 2) (n - 3)) ((n + 1) (m4 / m2^2 - 3) + 6), as pandas' rolling skew() and kurt(), which, like this,
give 0 and -3 in a flat window. A third moment within rounding of a symmetric window's is 0. First at bar `period`.

The window is cut in two as in `moments`, anchored and joined by Chan's merge carried to the fourth moment (Pébay 2008):
nothing is subtracted out again, nothing drifts. Amortised O(1). State: count, anchors, the back's mean and moments, and
rings of the suffixes' means and moments. Source: Joanes, Gill 1998.
"""

import math

from udfs.compiled import njit
from udfs.kernels.state import COUNT, Floats, Rows, Slot

STATE = (
    COUNT,
    Slot("back_anchor", (1,)),
    Slot("front_anchor", (1,)),
    *(Slot(f"back_{k}", (k,)) for k in range(1, 5)),
    *(Slot(f"ring_{k}", (k,), per="period") for k in range(1, 5)),
)
RING = 7
SYMMETRIC = 1e-14

Moments = tuple[float, float, float, float]


@njit
def merge(n: float, a: Moments, m: float, b: Moments) -> Moments:
    """Mean and sums of the second to fourth powers of deviations of both groups, of n and of m values."""
    total = n + m
    if n == 0.0:
        return b
    d = b[0] - a[0]
    part, both = d / total, d * d * n * m / total
    return (
        a[0] + part * m,
        a[1] + b[1] + both,
        a[2] + b[2] + both * part * (n - m) + 3.0 * part * (n * b[1] - m * a[1]),
        a[3] + b[3] + both * part * part * (n * n - n * m + m * m)
        + 6.0 * part * part * (n * n * b[1] + m * m * a[1]) + 4.0 * part * (n * b[2] - m * a[2]),
    )  # fmt: skip


@njit
def push(s: Floats, x: float, period: int) -> Moments:
    """Take x into the state row s: mean (from the front's anchor) and moments, meaningful once s[0] >= period."""
    j = int(s[0]) % period
    if j == 0:
        _turn(s, x, period)
    s[0] += 1
    s[RING + j] = x
    back = merge(float(j), (s[3], s[4], s[5], s[6]), 1.0, (x - s[1], 0.0, 0.0, 0.0))
    s[3], s[4], s[5], s[6] = back
    if j == period - 1:
        return back
    k = RING + j + 1
    front = (s[k], s[k + period], s[k + 2 * period], s[k + 3 * period])
    return merge(period - 1.0 - j, front, j + 1.0, (back[0] + (s[1] - s[2]), back[1], back[2], back[3]))


@njit
def _turn(s: Floats, x: float, period: int) -> None:
    """Aggregate the suffixes of the full block, newest first, and open the next block at x."""
    anchor = s[RING + period - 1]
    suffix = (0.0, 0.0, 0.0, 0.0)
    for i in range(period - 1, -1, -1):
        suffix = merge(period - 1.0 - i, suffix, 1.0, (s[RING + i] - anchor, 0.0, 0.0, 0.0))
        for k in range(4):
            s[RING + k * period + i] = suffix[k]
    s[1], s[2] = x, anchor
    s[3:RING] = 0.0


@njit
def step(state: Floats, at: int, rows: Rows, x: Floats, out: Floats, to: int, period: int) -> None:
    """From x float64[M] to out[M, to:to+2] (skew, kurtosis); a NaN input is skipped and gives NaN."""
    n = float(period)
    for i in range(rows.size):
        s = state[rows[i], at:]
        out[i, to : to + 2] = math.nan
        if math.isnan(x[i]):
            continue
        _, second, third, fourth = push(s, x[i], period)
        if s[0] >= period:
            cube = second * math.sqrt(second)
            lean = third / cube if abs(third) > SYMMETRIC * cube else 0.0
            out[i, to] = n * math.sqrt(n - 1.0) / (n - 2.0) * lean
            tail = n * fourth / (second * second) if second > 0.0 else math.nan
            excess = (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (tail - 3.0) + 6.0)
            out[i, to + 1] = excess if second > 0.0 else -3.0
