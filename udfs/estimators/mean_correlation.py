"""Mean of a member's correlations with all others, and of all pairs: from sums of unit columns, O(wN log N), no matrix.

With z the columns at length 1 and s their sum: (z_i·s - 1) / (m - 1), and (s·s - m) / (m (m - 1)). Members that do not
vary have none and count nowhere; with fewer than two left there is none. Sums over members go in ascending order, so a
member's number has the same bytes in any order of the members.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.estimators.columns import inner, unit, window
from udfs.estimators.line import market
from udfs.kernels.state import Floats


class MeanCorrelation(NamedTuple):
    """members float64[N] of each with all others, whole of all pairs; -1 / (N - 1) to 1, without unit."""

    members: Floats
    whole: float


def mean_correlation(returns: Floats) -> MeanCorrelation:
    """Of float64[w, N]."""
    members, z, _ = unit(window(returns))
    out, m = np.full(returns.shape[1], math.nan), len(members)
    if m < 2:
        return MeanCorrelation(out, math.nan)
    total = (market(z) * m).reshape(-1, 1)
    out[members] = (inner(z, np.repeat(total, m, axis=1)) - 1.0) / (m - 1)
    return MeanCorrelation(out, float((inner(total, total)[0] - m) / (m * (m - 1))))
