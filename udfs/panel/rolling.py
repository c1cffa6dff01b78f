"""What one rolling window says of each member and of all, at its newest bar; and the weighted line of a decaying one.

In: the returns of a window, float64[w, N], NaN where there is none; who takes part. Out: columns float64[N], NaN for
others, in the order of udfs/panel/columns.py. A return that is missing of a member that takes part is 0: its price is
carried. This file must not know bars before the window, but for the window of the same length that a break is to.
"""

import math

import numpy as np
from numpy.typing import NDArray

from udfs.comatrix.window import Window
from udfs.estimators import breaks, clusters, line, shrinkage, spearman, spectrum
from udfs.estimators.columns import inner, products, unit, window
from udfs.kernels.state import Floats, Rows
from udfs.panel.columns import WHOLE

Mask = NDArray[np.bool_]


def complete(returns: Floats, takes_part: Mask) -> Floats:
    """The columns of those who take part, without gaps."""
    x = returns[:, takes_part]
    return window(np.where(np.isnan(x), 0.0, x))


class Rolling:
    """One window float64[w, N] at its newest bar; before float64[w, N]: the window before it, or fewer bars.

    market float64[w]: mean of the returns that are there. count: of principal components.
    """

    def __init__(self, returns: Floats, before: Floats, takes_part: Mask, market: Floats, count: int) -> None:
        self.takes_part, self.market, self.count = takes_part, market, count
        self.x = complete(returns, takes_part)
        self.bars, self.n = self.x.shape
        self.components = spectrum.components(self.x, max(count, min(self.bars, self.n)), scaled=True)
        self.broken = self._broken(before[:, takes_part])

    def members(self, benchmarks: Rows) -> list[Floats]:
        """The columns from corr_market to the last loading; benchmarks: their columns, -1 for one that is not there."""
        x, market = self.x, self.market
        of = line.on(x, market)
        found = [of.correlation, of.beta, line.through_origin(x, market), line.downside(x, market)]
        found += [of.idiosyncratic, spearman.to_series(x, market)]
        for column in benchmarks.tolist():
            of = self._on(column)
            found += [of.correlation, of.beta]
        found += [self.broken.members, momentum_rank(x), *self.components.loadings[: self.count]]
        return [spread(each, self.takes_part) for each in found]

    def universe(self) -> list[float]:
        """The numbers of WHOLE."""
        if self.n == 0:
            return [0.0, *[math.nan] * (len(WHOLE) - 1)]
        of, sums = self.components, shrinkage.norms(self.x)
        varying = int(of.total)
        factors = float((of.values > spectrum.edge(self.bars, varying)).sum()) if varying else math.nan
        absorbed = of.absorbed(min(self.count, self.bars, varying))  # fewer components have it all
        alike = shrinkage.constant_correlation(self.x)  # its scale is the mean correlation of all pairs
        intensities = [to.intensity for to in (shrinkage.identity(sums), alike, shrinkage.oas(sums))]
        return [float(self.n), alike.scale, absorbed, factors, *intensities, self.broken.whole]

    def clusters(self, cut: float) -> Rows:
        """The first column of each member's cluster, -1 for a member without one."""
        held = np.flatnonzero(self.takes_part)
        varying, z, _ = unit(self.x)
        found = clusters.labels(products(z), cut)
        labels = np.full(len(self.takes_part), -1)
        labels[held[varying]] = held[varying][found]
        return labels

    def _on(self, column: int) -> line.Line:
        """The line on a member."""
        if column < 0 or not self.takes_part[column]:
            return line.Line(*[np.full(self.n, math.nan)] * 3)
        return line.on(self.x, self.x[:, int(self.takes_part[:column].sum())])

    def _broken(self, before: Floats) -> breaks.Break:
        """How correlations differ from those of the window before; a member that has a gap in there has no number."""
        if len(before) < self.bars:
            return breaks.Break(np.full(self.n, math.nan), math.nan)
        there = ~np.isnan(before).any(axis=0)
        found = breaks.score(window(before[:, there]), window(self.x[:, there]))
        return breaks.Break(spread(found.members, there), found.whole)


def momentum_rank(x: Floats) -> Floats:
    """Place of each column's sum among all, over their number; equal ones share the mean of their places."""
    totals = inner(x, np.ones_like(x))
    ordered = np.sort(totals)
    below, upto = ordered.searchsorted(totals, "left"), ordered.searchsorted(totals, "right")
    ranks: Floats = (below + upto + 1) / 2.0 / max(len(totals), 1)
    return ranks


def weighted(returns: Floats, takes_part: Mask, market: Floats, of: Window) -> list[Floats]:
    """Correlation with the market, beta, idiosyncratic volatility: exponentially weighted."""
    weights = np.cumprod(np.full(len(returns), of.decay))[::-1] / of.decay
    found = line.weighted(complete(returns, takes_part), market, np.ascontiguousarray(weights))
    return [spread(each, takes_part) for each in (found.correlation, found.beta, found.idiosyncratic)]


def spread(values: Floats, takes_part: Mask) -> Floats:
    """Back to all columns."""
    out = np.full(len(takes_part), math.nan)
    out[takes_part] = values
    return out
