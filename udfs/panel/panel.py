"""All outputs of all members, bar by bar: estimators over windows, and the matrix of all pairs for peers.

In: log returns bar by bar, float64[k, N], NaN where there is none, columns in the order of members. Out: a Section a
bar. What must be kept is the ring of returns and the bar number; bars one by one or in blocks, rows in tiles, or a
restore in between give the same bytes, and no column changes another's. This file must not know frames, nor who the
members are.
"""

import math
from typing import NamedTuple

import numpy as np

from udfs.comatrix.matrix import Comatrix, Reading
from udfs.comatrix.window import Window
from udfs.compiled import njit
from udfs.estimators.columns import window
from udfs.kernels.state import Floats, Rows
from udfs.panel.columns import SEEN, TWO, Columns
from udfs.panel.pairs import pairs
from udfs.panel.rolling import Mask, Rolling, weighted
from udfs.panel.snapshot import market

MOST = 64
"""Bars in one block: what a block's peers need in memory."""


class Section(NamedTuple):
    """One bar. numbers float64[n, :] and members int64[n, :] (columns, -1 for none) of the tile's own rows,

    universe float64[:], pairs float64[K, :]; returns float64[w, N]: the longest rolling window.
    """

    numbers: Floats
    members: Rows
    universe: Floats
    pairs: Floats
    returns: Floats


class Panel:
    """ring: float64[bars, N], the newest last, of which `columns.reach` are needed; bar: number of the newest one.

    What a ring lacks, since windows were shorter when it was filled, counts as bars without a return. bar -1: before
    the first. rows: ascending columns of the tile's own members; None: all.
    """

    def __init__(self, columns: Columns, ring: Floats, bar: int, rows: Rows | None = None) -> None:
        self.columns, self.bar = columns, bar
        self.rows = np.arange(ring.shape[1]) if rows is None else rows
        lacking = max(0, min(columns.reach, bar + 1) - len(ring))
        ring = np.concatenate([np.full((lacking, ring.shape[1]), np.nan), ring])
        self._logs = ring[max(0, len(ring) - columns.reach) :]
        self._ring = self._returns(self._logs)
        self._market = market(self._ring)
        peers, threads = columns.of.peers, columns.of.threads
        self._matrices = [Comatrix(of, self._ring, bar, rows, peers, threads) for _, of in columns.spans]

    def advance(self, returns: Floats, benchmarks: Rows, wanted: Rows) -> list[Section]:
        """Take k bars. benchmarks int64[k, B], wanted int64[k, K, 2]: columns of benchmarks and pairs, -1: none."""
        found: list[Section] = []
        for at in range(0, len(returns), MOST):
            part = slice(at, at + MOST)
            found += self._block(returns[part], benchmarks[part], wanted[part])
        return found

    def _block(self, returns: Floats, benchmarks: Rows, wanted: Rows) -> list[Section]:
        new, kept = self._returns(returns), len(self._logs)
        readings = [of.advance(new) for of in self._matrices]
        self._logs = np.concatenate((self._logs, returns))
        self._ring = np.concatenate((self._ring, new))
        self._market = np.concatenate((self._market, market(new)))
        found = [self._section(kept + k, k, readings, benchmarks[k], wanted[k]) for k in range(len(returns))]
        self.bar += len(returns)
        drop = max(0, len(self._logs) - self.columns.reach)
        self._logs, self._ring, self._market = self._logs[drop:], self._ring[drop:], self._market[drop:]
        return found

    def _section(self, at: int, k: int, readings: list[Reading], benchmarks: Rows, wanted: Rows) -> Section:
        """The bar at place `at` of the ring, the k-th of the block."""
        numbers, sides, labels = [], [], []
        universe: list[float] = []
        of_pairs: list[Floats] = []
        for (_, of), reading in zip(self.columns.spans, readings, strict=True):
            part = slice(max(0, at + 1 - of.bars), at + 1)
            returns, by_market = self._ring[part], self._market[part]
            takes_part = (~np.isnan(returns)).sum(axis=0) >= of.least
            if of.decay < 1:
                own = weighted(returns, takes_part, by_market, of)
            else:
                before = self._ring[max(0, part.start - of.bars) : part.start]
                rolling = Rolling(returns, before, takes_part, by_market, self.columns.of.loadings)
                own, universe = rolling.members(benchmarks), universe + rolling.universe()
                of_pairs.append(self._pairs(part, takes_part, of, wanted))
                if self.columns.clustered(of):
                    labels.append(rolling.clusters(self.columns.of.cluster_cut)[self.rows])
            mean, peers, values, *seen = (each[k] for each in reading)
            numbers += [*(each[self.rows] for each in own), mean, *(each.astype(float) for each in seen)]
            numbers += [*values[:, 0].T, *values[:, 1].T]
            sides += [*peers[:, 0].T, *peers[:, 1].T]
        longest = max(self.columns.of.windows)
        return Section(
            np.column_stack(numbers), np.column_stack([*sides, *labels]), np.array(universe), np.hstack(of_pairs),
            self._ring[max(0, at + 1 - longest) : at + 1],
        )  # fmt: skip

    def _pairs(self, part: slice, takes_part: Mask, of: Window, wanted: Rows) -> Floats:
        if not len(wanted):
            return np.empty((0, len(TWO)))
        returns = self._ring[part]
        there = np.append(~np.isnan(returns), np.zeros((len(returns), 1), bool), axis=1)
        seen = there.sum(axis=0)
        age = np.where(seen > 0, there[::-1].argmax(axis=0), of.bars)
        both = np.column_stack([seen[wanted].min(axis=1), age[wanted].max(axis=1)]).astype(float)
        return np.hstack([pairs(returns, self._logs[part], takes_part, wanted), both.reshape(len(wanted), len(SEEN))])

    def _returns(self, logs: Floats) -> Floats:
        return logs if self.columns.of.returns == "log" else _simple(window(logs))


@njit
def _simple(logs: Floats) -> Floats:
    """As libraries' vectors of exponentials differ from machine to machine."""
    out = np.empty_like(logs)
    for t in range(logs.shape[0]):
        for j in range(logs.shape[1]):
            out[t, j] = math.expm1(logs[t, j])
    return out
