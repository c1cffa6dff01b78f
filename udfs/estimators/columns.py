"""Columns of a window, centred, and sums of their products: what the estimators start from.

A window is float64[w, N], oldest bar first, every column complete; who is a member is settled before. Sums over bars
run from the oldest on, sums over members in the order of the columns, nothing through BLAS, so that bytes are the same
on every machine. A member's own numbers do not depend on the order of the members; sums over members do, by rounding.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.kernels.state import Floats, Rows


def window(values: Floats) -> Floats:
    """The same as float64 in rows of memory that compiled code may have; copied only where it is not."""
    if values.flags.carray and values.dtype == np.float64:  # as numpy finds, too, in ten times the time
        return values
    return np.require(values, np.float64, ("C", "A", "W"))


@njit
def centred(values: Floats) -> Floats:
    """Columns less their means, float64[w, N]; about the first value before, so that constant ones are exactly 0."""
    bars, n = values.shape
    out, mean = np.empty((bars, n)), np.zeros(n)
    for t in range(bars):
        for j in range(n):
            out[t, j] = values[t, j] - values[0, j]
            mean[j] += out[t, j]
    for t in range(bars):
        for j in range(n):
            out[t, j] -= mean[j] / bars
    return out


@njit
def inner(x: Floats, y: Floats) -> Floats:
    """Sum over bars of x times y, column by column: float64[N] of two float64[w, N]."""
    out = np.zeros(x.shape[1])
    for t in range(x.shape[0]):
        for j in range(x.shape[1]):
            out[j] += x[t, j] * y[t, j]
    return out


@njit
def unit(values: Floats) -> tuple[Rows, Floats, Floats]:
    """The columns that vary: which int64[m], centred at length 1 float64[w, m], and their lengths float64[m]."""
    deviations = centred(values)
    squares = inner(deviations, deviations)
    members = np.flatnonzero(squares > 0.0)
    lengths = np.sqrt(squares[members])
    out = np.empty((values.shape[0], members.size))
    for t in range(values.shape[0]):
        for k in range(members.size):
            out[t, k] = deviations[t, members[k]] / lengths[k]
    return members, out, lengths


@njit
def products(rows: Floats) -> Floats:
    """Sum over k of rows[k]ᵀ rows[k], float64[n, n] of float64[K, n]; k ascends in every sum, four of them a pass."""
    count, n = rows.shape
    out = np.zeros((n, n))
    whole = count - count % 4
    for k in range(0, whole, 4):
        a, b, c, d = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        for i in range(n):
            line, p, q, r, s = out[i], a[i], b[i], c[i], d[i]
            for j in range(i, n):
                line[j] = (((line[j] + p * a[j]) + q * b[j]) + r * c[j]) + s * d[j]
    for k in range(whole, count):
        for i in range(n):
            for j in range(i, n):
                out[i, j] += rows[k, i] * rows[k, j]
    for i in range(n):
        for j in range(i):
            out[i, j] = out[j, i]
    return out


@njit
def smaller(x: Floats) -> Floats:
    """Of xᵀx float64[N, N] and xxᵀ float64[w, w] the smaller one: equal trace, norm and eigenvalues but for zeros."""
    return products(x) if x.shape[1] <= x.shape[0] else products(np.ascontiguousarray(x.T))


@njit
def bounded(correlation: float) -> float:
    """Within -1 to 1, which rounding may leave; NaN stays."""
    return correlation if math.isnan(correlation) else min(1.0, max(-1.0, correlation))
