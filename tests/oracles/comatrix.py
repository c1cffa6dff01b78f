"""Naive twin of udfs/comatrix: the whole window anew, in long double, as in a textbook."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def weights(bars: int, decay: float) -> NDArray[np.longdouble]:
    return np.longdouble(decay) ** np.arange(bars - 1, -1, -1)


def covariance(returns: Array, decay: float = 1.0) -> NDArray[np.longdouble]:
    """Unbiased (reliability weights), of float64[bars, N]; a bar without a return counts as 0."""
    filled = np.nan_to_num(returns).astype(np.longdouble)
    weight = weights(len(filled), decay)
    total = weight.sum()
    deviation = filled - (weight @ filled) / total
    return (deviation.T * weight) @ deviation / (total - (weight @ weight) / total)


def correlation(returns: Array, decay: float = 1.0) -> Array:
    matrix = covariance(returns, decay)
    deviation = np.sqrt(np.diag(matrix))
    with np.errstate(invalid="ignore"):
        return (matrix / np.outer(deviation, deviation)).astype(np.float64)


def nearest(row: Array, own: int, top: int, sign: int) -> list[int]:
    """The columns of the largest sign * row but the own one, ties to the first, -1 where there are no more."""
    others = [j for j in range(len(row)) if j != own and not np.isnan(row[j])]
    return (sorted(others, key=lambda j: -sign * row[j]) + [-1] * top)[:top]
