"""What a rolling window says of configured pairs, at its newest bar, in the order of udfs/panel/columns.TWO."""

import math

import numpy as np

from udfs.estimators import cointegration, line, partial, shrinkage, spearman
from udfs.estimators.columns import window
from udfs.kernels.state import Floats, Rows
from udfs.panel.columns import TWO
from udfs.panel.rolling import Mask, complete

LEAST = 6
"""Bars that Engle and Granger's test needs with one lag."""


def pairs(returns: Floats, logs: Floats, takes_part: Mask, wanted: Rows) -> Floats:
    """Of columns wanted int64[K, 2] (-1: not there): float64[K, 9], NaN where either takes no part.

    returns, logs float64[w, N]: simple or log returns, and log ones, of which the spread of prices is made.
    """
    out = np.full((len(wanted), len(TWO) - 2), math.nan)
    here = (wanted >= 0).all(axis=1) & takes_part[wanted].all(axis=1)
    if not here.any():
        return out
    place = np.cumsum(takes_part) - 1
    first, second = np.ascontiguousarray(place[wanted[here]].T)
    x = complete(returns, takes_part)
    both = [line.on(x[:, [a]], x[:, b]) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    found = [np.array([of.correlation[0] for of in both]), np.array([of.beta[0] for of in both])]
    found += [spearman.of_pairs(x, first, second)]
    found += [partial.of_pairs(x, shrinkage.identity(shrinkage.norms(x)), first, second)]
    if len(x) >= LEAST:
        prices = np.cumsum(complete(logs, takes_part), axis=0)
        found += cointegration.engle_granger(window(prices), first, second)
    out[here, : len(found)] = np.column_stack(found)
    return out
