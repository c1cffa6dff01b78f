"""Eigenvalues and eigenvectors of a symmetric matrix, in sums of one fixed order: no LAPACK, whose bits vary. O(n^3).

Householder's reduction to a tridiagonal matrix, then QL steps with implicit shifts, which end at an off-diagonal entry
of 2^-52 of the norm: eigenvalues are exact to that part of the largest one. The matrix is brought to a size of 1 by a
power of two before, so that no square under- or overflows. Only +, -, *, / and square roots, which IEEE 754 rounds in
one way. Source: Bowdler, Martin, Reinsch & Wilkinson 1968 (tql2); Golub & Van Loan 8.3.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import window
from udfs.kernels.state import Floats

EPSILON = 2.0**-52
NEGLIGIBLE = 1e-40  # of a sum of squares, beside a largest entry of 1
STEPS = 60  # two or three are usual


def symmetric(matrix: Floats) -> tuple[Floats, Floats]:
    """Of float64[n, n]: eigenvalues descending float64[n], eigenvectors of length 1 as rows float64[n, n].

    All NaN where an entry is none or infinite. The signs of rows say nothing.
    """
    values, vectors = solve(window(matrix))
    return values, vectors


@njit
def solve(matrix: Floats) -> tuple[Floats, Floats]:
    """The same, to be called by compiled code."""
    n = matrix.shape[0]
    if not np.isfinite(matrix).all():
        return np.full(n, math.nan), np.full((n, n), math.nan)
    size = 0.0
    for value in matrix.ravel():
        size = max(size, abs(value))
    size = math.ldexp(1.0, math.frexp(size)[1])
    diagonal, beside, basis = _tridiagonal(matrix / size)
    _ql(diagonal, beside, basis)
    order = np.argsort(-diagonal, kind="mergesort")
    return diagonal[order] * size, basis[order]


@njit
def _tridiagonal(a: Floats) -> tuple[Floats, Floats, Floats]:
    """Diagonal, the entries beside it (the last is 0) and Q of QᵀTQ = a; a is used up."""
    n = a.shape[0]
    beside, q = np.zeros(n), np.eye(n)
    for k in range(n - 1):
        v = a[k, k + 1 :].copy()
        tail = 0.0
        for value in v[1:]:
            tail += value * value
        beside[k] = v[0]
        if tail <= NEGLIGIBLE:
            continue
        beside[k] = -math.copysign(math.sqrt(v[0] * v[0] + tail), v[0])
        v[0] -= beside[k]
        scale = math.sqrt(2.0 / (v[0] * v[0] + tail))
        for i in range(v.size):
            v[i] *= scale
        _reflect(a[k + 1 :, k + 1 :], q[k + 1 :], v)
    return np.diag(a).copy(), beside, q


@njit
def _reflect(a: Floats, q: Floats, v: Floats) -> None:
    """HaH and Hq in place, H = I - vvᵀ."""
    p, y, half = np.zeros(v.size), np.zeros(q.shape[1]), 0.0
    for i in range(v.size):
        for j in range(p.size):
            p[j] += v[i] * a[i, j]
        for j in range(y.size):
            y[j] += v[i] * q[i, j]
    for i in range(v.size):
        half += 0.5 * v[i] * p[i]
    for i in range(v.size):
        p[i] -= half * v[i]
    for i in range(v.size):
        for j in range(p.size):
            a[i, j] -= v[i] * p[j] + p[i] * v[j]
        for j in range(y.size):
            q[i, j] -= v[i] * y[j]


@njit
def _ql(d: Floats, e: Floats, rows: Floats) -> None:
    """Turn the tridiagonal matrix into a diagonal one in place, and the rows of the basis with it."""
    norm = 0.0
    for i in range(d.size):
        norm = max(norm, abs(d[i]) + abs(e[i]))
    for first in range(d.size):
        for _ in range(STEPS):
            last = first
            while last < d.size - 1 and abs(e[last]) > EPSILON * norm:
                last += 1
            if last == first:
                break
            _step(d, e, rows, first, last)


@njit
def _step(d: Floats, e: Floats, rows: Floats, first: int, last: int) -> None:
    """One QL step with an implicit shift on the block from `first` to `last`."""
    g = (d[first + 1] - d[first]) / (2.0 * e[first])
    g = d[last] - d[first] + e[first] / (g + math.copysign(math.sqrt(g * g + 1.0), g))
    sine, cosine, moved = 1.0, 1.0, 0.0
    for i in range(last - 1, first - 1, -1):
        f, b = sine * e[i], cosine * e[i]
        r = math.sqrt(f * f + g * g)
        e[i + 1] = r
        if r == 0.0:
            d[i + 1] -= moved
            e[last] = 0.0
            return
        sine, cosine = f / r, g / r
        g = d[i + 1] - moved
        r = (d[i] - g) * sine + 2.0 * cosine * b
        moved = sine * r
        d[i + 1] = g + moved
        g = cosine * r - b
        _turn(rows[i], rows[i + 1], sine, cosine)
    d[first] -= moved
    e[first], e[last] = g, 0.0


@njit
def _turn(low: Floats, high: Floats, sine: float, cosine: float) -> None:
    for k in range(low.size):
        f = high[k]
        high[k] = sine * low[k] + cosine * f
        low[k] = cosine * low[k] - sine * f
