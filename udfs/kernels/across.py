"""Of one bar time, over all members of the universe: percentile rank, scaling, difference from the mean, score.

A member is a security with a bar at that time and a value there; who has none gets none and does not count. There is
no state. Results are plain numbers of degree 0: what was measured across the universe at its time stays what it was,
and no later split restates it, so that inputs may have any degree, or none. Sums are taken in ascending order, so a
result does not depend on the order of the members. All are O(n log n).

`rank`: percentile in (0, 1], members that tie share the mean of their places, as pandas' rank(pct=True). `scale`:
x * total / sum |x|, without a value where all are 0. `demean`: x less the mean. `zscore`: that over the standard
deviation (ddof 0), 0 where all are equal. Source: Kakushadze 2016, rank and scale.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows


@njit
def _members(x: Floats) -> Rows:
    """Places of those that have a value, int64[n]."""
    return np.flatnonzero(~np.isnan(x))


@njit
def _mean(x: Floats) -> float:
    """Mean of values in ascending order, exactly the value of equal ones."""
    total = 0.0
    for i in range(x.size):
        total += x[i] - x[0]
    return float(x[0] + total / x.size) if x.size else math.nan


@njit
def rank(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to]; NaN where x is."""
    out[: rows.size, to] = math.nan
    here = _members(x)
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
    sizes = np.sort(np.abs(x[_members(x)]))
    size = 0.0
    for each in sizes:
        size += each
    for i in range(rows.size):
        out[i, to] = x[i] / size * total if size > 0.0 else math.nan


@njit
def demean(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], which sums to 0."""
    mean = _mean(np.sort(x[_members(x)]))
    for i in range(rows.size):
        out[i, to] = x[i] - mean


@njit
def zscore(_state: Floats, _at: int, rows: Rows, x: Floats, out: Floats, to: int) -> None:
    """From x float64[M] of one bar time to out[M, to], deviations from the mean in standard deviations."""
    values = np.sort(x[_members(x)])
    mean = _mean(values)
    deviation = math.sqrt(_mean(np.sort((values - mean) ** 2)))
    for i in range(rows.size):
        out[i, to] = (x[i] - mean) / deviation if deviation > 0.0 else x[i] - x[i]
