"""One base of the schedule: the bars that its windows share, their products, and what single bars add to them.

In: returns by bar number. Out: rows of which every window is a plain sum of products, so that a rolling and an
exponentially weighted matrix are one computation: row s is decay^-((s - b) / 2) * (x_s - c), with c the member's
(weighted) mean over the core. About c, the mean of a window is small beside its deviation, whatever the returns' mean;
a member that is constant in the window is exactly 0. Bars before 0 weigh nothing. This file knows no matrix of outputs.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from udfs.comatrix import gram
from udfs.comatrix.threads import Threads
from udfs.comatrix.window import Window
from udfs.kernels.state import Floats, Rows

Returns = Callable[[int], Floats]  # bar number -> float64[N], 0 where there is none


class Base:
    """Anchored at `bar`; tile: memory for float64[n, N], of which `ready` rows hold the sums of the rows < `folded`."""

    def __init__(self, window: Window, bar: int, returns: Returns, newest: int, tile: Floats, own: Rows) -> None:
        self.window, self.bar, self.tile, self.own = window, bar, tile, own
        self.first, self.core = window.first(bar), window.core(bar)
        after = window.gap + window.period - 1
        self.roots, self.weights, self.squares = _weights(bar - self.first, after, window.decay, max(-self.first, 0))
        n = tile.shape[1]
        self.rows = np.zeros((len(self.roots), n))
        self.mean = self._mean(returns, newest)
        self.total, self.square = np.zeros(n), np.zeros(n)
        self.ready, self.folded = 0, bar + 1 - self.first
        for each in range(max(self.first, 0), newest + 1):
            self.append(each, returns(each))

    def append(self, bar: int, returns: Floats) -> None:
        """Take the next bar's returns."""
        at = bar - self.first
        row, root = self.rows[at], self.roots[at]
        np.subtract(returns, self.mean, out=row)
        row *= root
        if bar >= self.core:
            self.total += root * row
            self.square += row * row

    def prepare(self, share: float, threads: Threads) -> None:
        """Make that share of the tile, of the bars that are folded in."""
        both, n = len(self.own) == self.tile.shape[1], len(self.own)
        upto = math.ceil(n * (1 - math.sqrt(1 - share) if both else share))  # of both triangles the first rows do more
        if self.ready < upto:
            bars = self.core - self.first, self.folded
            threads.over(self.ready, upto, lambda a, b: gram.gram(self.tile, self.rows, self.own, a, b, *bars))
            self.ready = upto

    def moments(self, bar: int) -> tuple[Floats, Floats, float]:
        """At the newest bar: offset, sums of squares about the mean, what an unbiased covariance divides by.

        The mean's share in the sum of i and j is offset[i] * offset[j]; weights are reliability weights.
        """
        total, square, at = self.total.copy(), self.square.copy(), bar - self.first
        oldest = max(self.window.oldest(bar), 0) - self.first
        for s in range(oldest, self.core - self.first):
            total += self.roots[s] * self.rows[s]
            square += self.rows[s] * self.rows[s]
        weight = float(self.weights[at] - self.weights[oldest - 1])
        offset = total / math.sqrt(weight)
        return offset, square - offset * offset, weight - float(self.squares[at] - self.squares[oldest - 1]) / weight

    def _mean(self, returns: Returns, newest: int) -> Floats:
        """Of the core, about its first bar; before there is one, the first return of all."""
        start = max(self.core, 0)
        origin = returns(min(start, newest)).copy()
        mean, weight = np.zeros_like(origin), 0.0
        for bar in range(start, self.bar + 1):
            each = self.roots[bar - self.first] ** 2
            weight += each
            mean += each * (returns(bar) - origin)
        return origin + mean / weight if weight else origin


@lru_cache(maxsize=64)
def _weights(before: int, after: int, decay: float, early: int) -> tuple[Floats, Floats, Floats]:
    """Of so many bars about the anchor, the first `early` of which weigh nothing: roots, running sums of weights, and

    of their squares. By repeated products: libraries' powers differ in the last bit.
    """
    down = np.cumprod(np.full(before, math.sqrt(decay)))
    up = np.cumprod(np.full(after, 1 / math.sqrt(decay)))
    roots = np.concatenate((down[::-1], [1.0], up))
    weights = roots * roots * (np.arange(len(roots)) >= early)
    sums, squares = (np.append(np.cumsum(of), 0.0) for of in (weights, weights * weights))  # [-1]: before the first
    found = roots, sums, squares
    for each in found:
        each.flags.writeable = False
    return found
