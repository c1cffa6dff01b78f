"""Partial correlation of given pairs, all other members held fixed: -P_ij / sqrt(P_ii P_jj), P the inverse covariance.

The covariance is the one shrunk to mu I (`shrinkage.identity` or `oas`), a = intensity * mu, b = (1 - intensity) / w: a
I + b xᵀx. Of no more members than bars its Cholesky factor is solved for each unit vector, O(N^3); of more, by Woodbury
(a P)_ij = [i = j] - y_i·y_j, y the columns of sqrt(b) x solved by the factor of a I + b xxᵀ: O(w^2 N + w^3), and O(w) a
pair. Where the matrix is not positive definite, or a pair does not vary, NaN. What follows of nearly equal members
loses as many digits as 1 - R^2 has zeros. Source: Whittaker 1990, chapter 5.
"""

import math

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import bounded, smaller, unit, window
from udfs.estimators.shrinkage import Shrinkage
from udfs.kernels.state import Floats, Rows

ROUNDING = 1e-14  # of a variance: what is left of one that follows of the others


def of_pairs(returns: Floats, to: Shrinkage, first: Rows, second: Rows) -> Floats:
    """Of columns first[k] and second[k] of float64[w, N], float64[K]."""
    bars, n = returns.shape
    members, z, lengths = unit(window(returns))
    place = np.full(n, -1)
    place[members] = np.arange(len(members))
    ridge, share = to.intensity * to.scale, (1.0 - to.intensity) / bars
    return _of_pairs(z * lengths, ridge, share, place[first], place[second])


def of_covariance(covariance: Floats, first: Rows, second: Rows) -> Floats:
    """The same of a covariance or correlation matrix float64[N, N] as it is, every member varying. O(N^3)."""
    return _of_covariance(window(covariance).copy(), first, second)


@njit
def _of_covariance(covariance: Floats, first: Rows, second: Rows) -> Floats:
    if not cholesky(covariance):
        return np.full(first.size, math.nan)
    return _between(forward(covariance, np.eye(len(covariance))), first, second, 0.0, 1.0)


@njit
def _of_pairs(x: Floats, ridge: float, share: float, first: Rows, second: Rows) -> Floats:
    few = x.shape[1] <= x.shape[0]
    inner = smaller(x) * share
    for i in range(len(inner)):
        inner[i, i] += ridge
    if few:
        return _of_covariance(inner, first, second)
    if not cholesky(inner):
        return np.full(first.size, math.nan)
    return _between(forward(inner, x * math.sqrt(share)), first, second, 1.0, -1.0)


@njit
def _between(y: Floats, first: Rows, second: Rows, own: float, sign: float) -> Floats:
    """From the precision own * [i = j] + sign * y_i·y_j."""
    out = np.full(first.size, math.nan)
    for k in range(first.size):
        i, j = first[k], second[k]
        if i >= 0 and j >= 0 and i != j:
            left, right = own + sign * _dot(y, i, i), own + sign * _dot(y, j, j)
            if left > 0.0 and right > 0.0:
                out[k] = bounded(-sign * _dot(y, i, j) / (math.sqrt(left) * math.sqrt(right)))
    return out


@njit
def cholesky(a: Floats) -> bool:
    """Lower factor of a symmetric matrix in its place; False where it is not positive definite, but for rounding."""
    for i in range(len(a)):
        for j in range(i + 1):
            total = own = a[i, j]
            for k in range(j):
                total -= a[i, k] * a[j, k]
            if j < i:
                a[i, j] = total / a[j, j]
            elif total > ROUNDING * own:
                a[i, i] = math.sqrt(total)
            else:
                return False
    return True


@njit
def forward(factor: Floats, right: Floats) -> Floats:
    """Solve L y = right for all columns at once, float64[n, K]."""
    out = right.copy()
    for i in range(len(factor)):
        for k in range(i):
            for j in range(out.shape[1]):
                out[i, j] -= factor[i, k] * out[k, j]
        for j in range(out.shape[1]):
            out[i, j] /= factor[i, i]
    return out


@njit
def _dot(columns: Floats, i: int, j: int) -> float:
    total = 0.0
    for t in range(columns.shape[0]):
        total += columns[t, i] * columns[t, j]
    return total
