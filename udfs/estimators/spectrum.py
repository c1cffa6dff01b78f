"""Principal components of a window, the share that they absorb, and a correlation matrix without its noise.

In: returns float64[w, N], or a matrix that somebody has. Out: eigenvalues, loadings, or a matrix. Of returns all is
read off the smaller one of the N x N and the w x w matrix of products, which have the same eigenvalues but for zeros:
O(w N min(w, N) + min(w, N)^3).

Loadings are eigenvectors of length 1 over the members. Sign: the largest in size is positive, the first column's of
those within 1e-9 of it. Where an eigenvalue is nearer to another one than 1e-9 of the largest, or no more than that
itself, data does not say which vector of a plane is the component: its loadings are NaN, the eigenvalue is not. A
vector is exact to about 2^-52 times the largest eigenvalue over the gap. Members that do not vary have NaN, and count
nowhere.

clipped: Marchenko & Pastur 1967: eigenvalues of correlations of noise are below (1 + sqrt(N / w))^2. Those up to this
edge are replaced by their mean, so that the trace stays N. Source: Laloux, Cizeau, Bouchaud & Potters 1999; Bouchaud &
Potters 2009. The diagonal is not set to 1 again. `absorbed`: Kritzman, Li, Page & Rigobon 2011.

Eigenvalues and loadings of members in another order are the same but for rounding.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.compiled import njit
from udfs.estimators.columns import products, smaller, unit, window
from udfs.estimators.eigen import solve
from udfs.kernels.state import Floats, Rows

GAP = 1e-9


class Components(NamedTuple):
    """values float64[K] descending, loadings float64[K, N], and the total variance; covariances are divided by w."""

    values: Floats
    loadings: Floats
    total: float

    def absorbed(self, count: int) -> float:
        """Share of the total variance that the first `count` components have; NaN where nothing varies."""
        return float(sum(self.values[:count].tolist()) / self.total) if self.total > 0.0 else math.nan


def components(returns: Floats, count: int, *, scaled: bool) -> Components:
    """The first `count` (NaN where there are fewer), of the correlations if `scaled`, else of the covariances."""
    bars, n = returns.shape
    members, z, lengths = unit(window(returns))
    x = z if scaled else z * (lengths / math.sqrt(bars))
    return _components(*decompose(x), members, n, count, float(len(members)) if scaled else _total(x))


def components_of(matrix: Floats, count: int) -> Components:
    """The same of a covariance or correlation matrix float64[N, N], O(N^3); a member whose own entry is NaN is none."""
    members = np.flatnonzero(~np.isnan(np.diag(matrix)))
    of = window(matrix[np.ix_(members, members)])
    return _components(*solve(of), members, len(matrix), count, math.fsum(np.diag(of).tolist()))


def clipped(returns: Floats) -> Floats:
    """Correlations float64[N, N] less what may be noise, rows and columns of members that do not vary NaN."""
    bars, n = returns.shape
    members, z, _ = unit(window(returns))
    return _clipped(*decompose(z), members, n, bars)


def clipped_of(correlations: Floats, bars: float) -> Floats:
    """The same of correlations float64[N, N] of so many bars, O(N^3); a member whose own entry is NaN is none."""
    members = np.flatnonzero(~np.isnan(np.diag(correlations)))
    found = solve(window(correlations[np.ix_(members, members)]))
    return _clipped(*found, members, len(correlations), bars)


def edge(bars: float, members: int) -> float:
    """The largest eigenvalue that correlations of independent series may have where both numbers are large."""
    return (1.0 + math.sqrt(members / bars)) ** 2


@njit
def decompose(x: Floats) -> tuple[Floats, Floats]:
    """Eigenvalues of xᵀx descending, float64[k], eigenvectors as rows float64[k, N], k = min(w, N); sign at will."""
    values, vectors = solve(smaller(x))
    if x.shape[1] <= x.shape[0]:
        return values, vectors
    out = np.zeros((values.size, x.shape[1]))
    for k in range(values.size):
        if values[k] > GAP * values[0]:
            length = 0.0
            for t in range(x.shape[0]):
                for j in range(x.shape[1]):
                    out[k, j] += vectors[k, t] * x[t, j]
            for j in range(x.shape[1]):
                length += out[k, j] * out[k, j]
            for j in range(x.shape[1]):
                out[k, j] /= math.sqrt(length)
    return values, out


@njit
def oriented(values: Floats, vectors: Floats) -> Floats:
    """Eigenvectors with their signs settled, NaN where they are not determined; values descend."""
    out = vectors.copy()
    for k in range(values.size):
        near = k > 0 and values[k - 1] - values[k] <= GAP * values[0]
        if near or values[k] - (values[k + 1] if k + 1 < values.size else 0.0) <= GAP * values[0]:
            out[k] = math.nan
            continue
        largest = np.abs(vectors[k]).max()
        for value in vectors[k]:
            if abs(value) >= (1.0 - GAP) * largest:
                if value < 0.0:
                    out[k] = -vectors[k]
                break
    return out


@njit
def _rebuilt(values: Floats, vectors: Floats) -> Floats:
    """The matrix of these eigenvalues and the mean of what is left of the trace."""
    n, rest = vectors.shape[1], float(vectors.shape[1])
    for value in values:
        rest -= value
    noise = max(0.0, rest / (n - values.size)) if values.size < n else 0.0
    rows = np.empty_like(vectors)
    for k in range(values.size):
        rows[k] = vectors[k] * math.sqrt(values[k] - noise)
    out = products(rows)
    for i in range(n):
        out[i, i] += noise
    return out


def _components(values: Floats, vectors: Floats, members: Rows, n: int, count: int, total: float) -> Components:
    k = min(count, len(values))
    found, loadings = np.full(count, math.nan), np.full((count, n), math.nan)
    found[:k] = values[:k]
    loadings[:k, members] = oriented(values, vectors)[:k]
    return Components(found, loadings, total)


def _clipped(values: Floats, vectors: Floats, members: Rows, n: int, bars: float) -> Floats:
    out = np.full((n, n), math.nan)
    signal = int((values > edge(bars, len(members))).sum())
    out[np.ix_(members, members)] = _rebuilt(values[:signal], vectors[:signal])
    return out


def _total(x: Floats) -> float:
    return float(math.fsum((x * x).ravel().tolist()))
