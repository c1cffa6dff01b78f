"""Of one bar time, over all members of the universe: percentile rank, scaling, scores, strength, breadth, dispersion.

A member is a security with a bar at that time and a value there; who has none gets none and does not count. There is
no state. Results are plain numbers of degree 0: what was measured across the universe at its time stays what it was,
and no later split restates it, so that inputs may have any degree, or none. Sums are taken in ascending order, so a
result does not depend on the order of the members. All are O(n log n).

`rank`: percentile in (0, 1], members that tie share the mean of their places, as pandas' rank(pct=True). `scale`: x *
total / sum |x|, without a value where all are 0. `demean`: x less the mean. `zscore`: that over the standard deviation
(ddof 0), 0 where all are equal. Source: Kakushadze 2016, rank and scale. `robust_zscore`: x less the median, over
1.4826 times the median distance from it, which is one deviation of a normal distribution; where half of the members or
more are equal, 0 for them and no value for others. Source: Iglewicz & Hoaglin 1993. `relative_strength`: x less the
mean of all other members, none for who is alone. The same number for each member: `breadth`, the share of members whose
second input is above the first (of open and close: those that rose), and `dispersion`, the standard deviation (ddof 0).
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows

NORMAL = 1.482602218505602  # 1 / the third quartile of the normal distribution


@njit
def members_of(x: Floats) -> Rows:
    """Places of those that have a value, int64[n]."""
    return np.flatnonzero(~np.isnan(x))


@njit
def mean_of(x: Floats) -> float:
    """Mean of values in ascending order, exactly the value of equal ones."""
    total = 0.0
    for i in range(x.size):
        total += x[i] - x[0]
    return float(x[0] + total / x.size) if x.size else math.nan


@njit
def _median(x: Floats) -> float:
    """Of values in ascending order."""
    half = x.size // 2
    if x.size % 2:
        return float(x[half] + 0.0)  # of 0.0 and -0.0, which tie, always 0.0
    return float(x[half - 1] + (x[half] - x[half - 1]) / 2.0) if x.size else math.nan


@njit
def _deviation(x: Floats) -> float:
    """Standard deviation (ddof 0) of values in ascending order."""
    return math.sqrt(mean_of(np.sort((x - mean_of(x)) ** 2)))


@njit
def rank(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to]; NaN where x is."""
    out[: rows.size, to] = math.nan
    here = members_of(x)
    here = here[np.argsort(x[here])]
    n, start = here.size, 0
    while start < n:
        stop = start + 1
        while stop < n and x[here[stop]] == x[here[start]]:
            stop += 1
        for i in range(start, stop):
            out[here[i], to] = (start + 1 + stop) / 2.0 / n
        start = stop


@njit
def scale(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int, total: float) -> None:
    """From x float64[M] of one bar time to out[M, to], of which the absolute values sum to `total`."""
    sizes = np.sort(np.abs(x[members_of(x)]))
    size = 0.0
    for each in sizes:
        size += each
    for i in range(rows.size):
        out[i, to] = x[i] / size * total if size > 0.0 else math.nan


@njit
def demean(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], which sums to 0."""
    mean = mean_of(np.sort(x[members_of(x)]))
    for i in range(rows.size):
        out[i, to] = x[i] - mean


@njit
def zscore(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], deviations from the mean in standard deviations."""
    values = np.sort(x[members_of(x)])
    mean, deviation = mean_of(values), _deviation(values)
    for i in range(rows.size):
        out[i, to] = (x[i] - mean) / deviation if deviation > 0.0 else x[i] - x[i]


@njit
def robust_zscore(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], deviations from the median in those of the middle half."""
    values = np.sort(x[members_of(x)])
    median = _median(values)
    deviation = NORMAL * _median(np.sort(np.abs(values - median)))
    for i in range(rows.size):
        off = x[i] - median
        if off != 0.0:
            off = off / deviation if deviation > 0.0 else math.nan
        out[i, to] = off


@njit
def relative_strength(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], in units of x."""
    values = np.sort(x[members_of(x)])
    mean, n = mean_of(values), values.size
    for i in range(rows.size):
        out[i, to] = (x[i] - mean) * (n / (n - 1.0)) if n > 1 else math.nan


@njit
def breadth(_state: Floats, _at: int, rows: Rows, x: Floats, y: Floats, out: Floats, to: int) -> None:
    """From x, y float64[M] of one bar time to out[M, to], 0 to 1; NaN where either is, who is no member."""
    here = members_of(x + y)
    above = 0
    for i in here:
        above += y[i] > x[i]
    out[: rows.size, to] = math.nan
    for i in here:
        out[i, to] = above / here.size


@njit
def dispersion(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], in units of x; NaN where x is."""
    deviation = _deviation(np.sort(x[members_of(x)]))
    for i in range(rows.size):
        out[i, to] = deviation if not math.isnan(x[i]) else math.nan
