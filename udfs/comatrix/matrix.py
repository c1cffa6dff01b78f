"""The correlations of all pairs at each bar, rolling or exponentially weighted, and what follows from them.

In: returns bar by bar, float64[k, N], columns in the order of members, NaN (or infinite) where there is none. Out: at
each bar, of a tile's own rows with all: peers, mean correlation, returns counted; the matrix when asked for. What must
be kept is the ring of returns and the bar number: advanced one by one or in blocks, in tiles, or restored in between,
the bytes are the same, and no column changes another's. A member that joins or leaves is a column more or less: make
the matrix again from the ring. This file must not know Flink, frames, nor who the members are.
"""

from typing import NamedTuple

import numpy as np

from udfs.comatrix import gram
from udfs.comatrix.base import Base
from udfs.comatrix.threads import Threads
from udfs.comatrix.window import Window
from udfs.kernels.state import Floats, Rows

TOP = 20


class Reading(NamedTuple):
    """At each of k bars, of n members: NaN and -1 where there is none.

    mean_correlation float64[k, n]: with the others that take part. peers int64[k, n, 2, top] columns and correlations
    float64[k, n, 2, top]: of the most positive first, and of the most negative first, ties to the first column.
    seen int64[k, n]: returns in the window; age int64[k, n]: bars since the last of them, `bars` if there is none.
    """

    mean_correlation: Floats
    peers: Rows
    correlations: Floats
    seen: Rows
    age: Rows


def own_rows(window: Window, ring: Floats, bar: int, rows: Rows | None) -> Rows:
    """The rows of a tile, all if None, after a check of what a matrix is made of; ValueError as in `Comatrix`."""
    needed, n = min(window.reach, bar + 1), int(ring.shape[1])
    if ring.shape[0] < needed:
        raise ValueError(f"{ring.shape[0]} bars of returns up to bar {bar}, where the window needs {needed}")
    own = np.arange(n) if rows is None else np.asarray(rows, np.int64)
    if len(own) and not (own[0] >= 0 and own[-1] < n and (own[1:] > own[:-1]).all()):
        raise ValueError(f"rows {own} are not ascending columns of {n}")
    return own


class Comatrix:
    """The matrix of N members. ring: float64[bars, N], the newest last, at most `window.reach` needed.

    bar: number of the newest one, from 0 on, -1 before the first. rows int64[n]: columns, ascending, whose rows are
    this tile's own; None: all. top: peers of either sign, 0 spares the work for them. threads change no byte. Raises
    ValueError if the ring is too short, or the rows are no ascending columns.
    """

    def __init__(
        self, window: Window, ring: Floats, bar: int, rows: Rows | None = None, top: int = TOP, threads: int = 1
    ) -> None:
        needed, n = min(window.reach, bar + 1), int(ring.shape[1])
        self.window, self.bar, self.top = window, bar, top
        self.own = own_rows(window, ring, bar, rows)
        self._ring = np.full((window.reach, n), np.nan)
        self._seen, self._last = np.zeros(n, np.int64), np.full(n, -window.bars)
        for each, returns in zip(range(bar + 1 - needed, bar + 1), ring[ring.shape[0] - needed :], strict=True):
            self._hear(each, returns)
        self._threads = Threads(threads)
        self._hints = np.full((len(self.own), 2, 2 * top), -1)
        self._spare = [np.empty((len(self.own), n)) for _ in range(2)]
        self._base: Base | None = None
        self._next: Base | None = None
        if bar >= 0:
            self._base = self._anchored(window.base(bar))
            self._base.folded = bar + 1 - self._base.first
            self._base.prepare(1, self._threads)
            self._prepare()

    @property
    def ring(self) -> Floats:
        """What a checkpoint holds, beside the bar number: float64[min(reach, bar + 1), N], the newest last."""
        kept = min(self.window.reach, self.bar + 1)
        rows: Floats = self._ring[np.arange(self.bar + 1 - kept, self.bar + 1) % self.window.reach]
        return rows

    def advance(self, returns: Floats) -> Reading:
        """Take the returns of the next k >= 1 bars, float64[k, N]."""
        found: list[Reading] = []
        while len(returns):
            count = min(len(returns), self.window.switch(self.bar + 1) - self.bar - 1)
            found.append(self._block(returns[:count]))
            returns = returns[count:]
        return found[0] if len(found) == 1 else Reading(*map(np.concatenate, zip(*found, strict=True)))

    def correlation(self) -> Floats:
        """The matrix at the newest bar, float64[n, N]: 1 with itself, NaN where either takes no part."""
        _, inverse, _ = self._moments(self.bar)
        with np.errstate(invalid="ignore"):
            whole: Floats = np.clip(self._centred() * (inverse[self.own, None] * inverse), -1.0, 1.0)
        whole[np.arange(len(self.own)), self.own] = np.where(np.isnan(inverse[self.own]), np.nan, 1.0)
        return whole

    def covariance(self) -> Floats:
        """Unbiased, float64[n, N]: as numpy's with ddof 1, or pandas' `ewm(...).cov()`; NaN as in correlation."""
        _, inverse, divisor = self._moments(self.bar)
        takes_part = np.where(np.isnan(inverse), np.nan, 1.0)
        whole: Floats = self._centred() / divisor * (takes_part[self.own, None] * takes_part)
        return whole

    def _centred(self) -> Floats:
        base = self._in_use
        lacks = base.folded, self.bar + 1 - base.first
        return gram.centred(base.tile, base.rows, self.own, *lacks, *self._edge(self.bar), self._moments(self.bar)[0])

    def _block(self, returns: Floats) -> Reading:
        """Bars that one base serves."""
        (k, n), size, start = returns.shape, len(self.own), self.bar + 1
        offset, inverse = np.empty((k, n)), np.empty((k, n))
        seen, age, mean = np.empty((k, size), np.int64), np.empty((k, size), np.int64), np.empty((k, size))
        for at, each in enumerate(returns):
            bar = start + at
            self._hear(bar, each)
            self._feed(bar)
            base = self._in_use
            offset[at], inverse[at], _ = self._moments(bar)
            window = max(self.window.oldest(bar), 0) - base.first, bar + 1 - base.first
            mean[at] = gram.mean_correlation(base.rows, *window, offset[at], inverse[at], self.own)
            seen[at] = self._seen[self.own]
            age[at] = np.minimum(bar - self._last, self.window.bars)[self.own]
        base.prepare(1, self._threads)
        ids, found = np.empty((k, size, 2, self.top), np.int64), np.empty((k, size, 2, self.top))
        bars = base.folded, start - base.first, *self._edge(start)

        def work(a: int, b: int) -> None:
            mine = base.tile, base.rows, self.own, a, b, *bars
            base.folded = gram.advance(*mine, offset, inverse, self._hints, ids, found)

        self._threads.over(0, size, work)
        self._prepare()
        return Reading(mean, ids, found, seen, age)

    def _hear(self, bar: int, returns: Floats) -> None:
        """Put a bar into the ring and the counts."""
        there, leaving = np.isfinite(returns), bar - self.window.bars
        self._seen += there
        if leaving >= 0:
            self._seen -= ~np.isnan(self._ring[leaving % self.window.reach])
        self._ring[bar % self.window.reach] = np.where(there, returns, np.nan)
        self._last[there] = self.bar = bar

    def _feed(self, bar: int) -> None:
        """Put the newest bar into the bases, having changed over to the one that serves it."""
        if self._base is None:
            self._base = self._anchored(self.window.base(bar))
            return
        if self._next and self._next.bar == self.window.base(bar):
            self._spare.append(self._base.tile)
            self._base, self._next = self._next, None
        for each in (self._base, self._next):
            if each:
                each.append(bar, self._filled(bar))

    def _prepare(self) -> None:
        """The share of the next base that is due by the newest bar."""
        due = self.bar - (self._in_use.bar + self.window.period) + 1
        if due > 0:
            self._next = self._next or self._anchored(self._in_use.bar + self.window.period)
            self._next.prepare(due / self.window.gap, self._threads)

    def _anchored(self, anchor: int) -> Base:
        return Base(self.window, anchor, self._filled, self.bar, self._spare.pop(), self.own)

    def _filled(self, bar: int) -> Floats:
        """Returns at a bar, 0 where there is none."""
        row = self._ring[bar % self.window.reach]
        return np.where(np.isnan(row), 0.0, row)

    def _moments(self, bar: int) -> tuple[Floats, Floats, float]:
        """Offset and inverse deviation of each member, NaN for one that takes no part, and covariance's divisor."""
        offset, square, divisor = self._in_use.moments(bar)
        takes_part = (self._seen >= self.window.least) & (square > 0)
        return offset, 1 / np.sqrt(np.where(takes_part, square, np.nan)), divisor

    def _edge(self, bar: int) -> tuple[int, int]:
        """Rows of the base that are in the window that ends at a bar, but in no core."""
        base = self._in_use
        return self.window.oldest(bar) - base.first, base.core - base.first

    @property
    def _in_use(self) -> Base:
        if self._base is None:
            raise ValueError("no bar was heard yet")
        return self._base
