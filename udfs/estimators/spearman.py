"""Spearman's rank correlation: Pearson's of ranks, members that tie share the mean of their places. O(wN log w).

Ranks are kept as whole numbers, twice the rank less w + 1, so sums of their products are exact: equal in any order of
bars or members, not changed by any rising function of a column, exactly 1 for equal columns. Source: Spearman 1904.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import window
from udfs.kernels.state import Floats, Rows


def to_series(returns: Floats, series: Floats) -> Floats:
    """Of each column of float64[w, N] with float64[w], float64[N]; NaN where either does not vary."""
    n = returns.shape[1]
    both = np.column_stack([returns, series])
    return of_pairs(both, np.arange(n), np.full(n, n))


def of_pairs(returns: Floats, first: Rows, second: Rows) -> Floats:
    """Of columns first[k] and second[k] of float64[w, N], float64[K]; NaN where either does not vary."""
    return _of_pairs(ranks(returns), first, second)


def ranks(returns: Floats) -> Floats:
    """Twice the centred rank of each value in its column, whole numbers within -(w - 1) to w - 1, float64[w, N]."""
    return _ranks(window(returns))


@njit
def _ranks(returns: Floats) -> Floats:
    bars, n = returns.shape
    out = np.empty((bars, n))
    for j in range(n):
        column = returns[:, j].copy()
        order = np.argsort(column)
        start = 0
        while start < bars:
            stop = start + 1
            while stop < bars and column[order[stop]] == column[order[start]]:
                stop += 1
            for i in range(start, stop):
                out[order[i], j] = start + stop - bars
            start = stop
    return out


@njit
def _of_pairs(ranks: Floats, first: Rows, second: Rows) -> Floats:
    out = np.full(first.size, math.nan)
    for k in range(first.size):
        xx, xy, yy = 0.0, 0.0, 0.0
        for t in range(ranks.shape[0]):
            x, y = ranks[t, first[k]], ranks[t, second[k]]
            xx += x * x
            xy += x * y
            yy += y * y
        if xx > 0.0 and yy > 0.0:
            out[k] = xy / math.sqrt(xx * yy)
    return out
