"""How much correlations differ between two windows: 0 for equal structure up to 1 for structures without a common part.

score = 1 - <A, B> / (||A|| ||B||), A and B the correlation matrices, of all members: the correlation matrix distance of
Herdin, Czink, Ozcelik & Bonek 2005. Of one member: the same of its row, its correlation of 1 with itself included, so
that a member without any correlation scores 0 against itself. No N x N matrix is made: with z the unit columns and K =
z_A z_Bᵀ, <A, B> = ||K||^2 and of row i it is a_iᵀ K b_i. O(w^2 N). Windows may differ in length; a member that does not
vary in one of them has no score and counts in none. Scores carry rounding of 1e-16, not of their own size.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import inner, unit, window
from udfs.kernels.state import Floats


class Break(NamedTuple):
    """members float64[N], NaN for who does not vary in either window; whole, NaN if nobody is left."""

    members: Floats
    whole: float


def score(before: Floats, after: Floats) -> Break:
    """Of float64[w, N] and float64[v, N] with equal columns."""
    out = np.full(before.shape[1], math.nan)
    (first, a, _), (second, b, _) = unit(window(before)), unit(window(after))
    if not np.array_equal(first, second):
        both = np.intersect1d(first, second)
        a, b, first = a[:, np.searchsorted(first, both)], b[:, np.searchsorted(second, both)], both
    if not len(first):
        return Break(out, math.nan)
    out[first], whole = _score(window(a), window(b))
    return Break(out, whole)


@njit
def _score(a: Floats, b: Floats) -> tuple[Floats, float]:
    a_rows, b_rows = np.ascontiguousarray(a.T), np.ascontiguousarray(b.T)
    across, of_a, of_b = _times(a, b_rows), _times(a, a_rows), _times(b, b_rows)
    common, own_a, own_b = inner(a, _times(across, b)), inner(a, _times(of_a, a)), inner(b, _times(of_b, b))
    out = np.empty(common.size)
    for i in range(out.size):
        out[i] = _distance(common[i], own_a[i], own_b[i])
    return out, _distance(_square(across), _square(of_a), _square(of_b))


@njit
def _times(a: Floats, b: Floats) -> Floats:
    """Product of two matrices; the inner index ascends in every sum."""
    out = np.zeros((a.shape[0], b.shape[1]))
    for i in range(a.shape[0]):
        for k in range(a.shape[1]):
            for j in range(b.shape[1]):
                out[i, j] += a[i, k] * b[k, j]
    return out


@njit
def _square(matrix: Floats) -> float:
    total = 0.0
    for value in matrix.ravel():
        total += value * value
    return total


@njit
def _distance(common: float, a: float, b: float) -> float:
    return max(0.0, 1.0 - common / (math.sqrt(a) * math.sqrt(b)))
