"""What was computed over a stretch of the past, and where two versions of it differ.

In: bars per time as a log holds them. Out: features of some rows over many times as columns, compared bit by bit.
This file must not know logs, anchors or how features are computed.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from udfs.bars import COLUMNS
from udfs.frame import Frame
from udfs.kernels.state import Floats, Rows


@dataclass(frozen=True)
class Slot:
    """The bars of one time: securities ascending, symbols as they trade, values float64[n, 12], base int64[n].

    base: what the revisions of each row begin at; it rises when the bar moves to another security. aside: while bars
    move, a security may have those of two tickers, whose shards know of it one after the other: the bar that came last
    counts, the others are here (security, symbol, values, base) until their shards take them back.
    """

    securities: list[str] = field(default_factory=list)
    symbols: list[str] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.empty((0, len(COLUMNS))))
    base: Rows = field(default_factory=lambda: np.empty(0, "i8"))
    aside: "list[tuple[str, str, Floats, int]]" = field(default_factory=list)

    def part(self, rows: list[int]) -> "Slot":
        """The bars at these places."""
        securities, symbols = ([names[i] for i in rows] for names in (self.securities, self.symbols))
        return Slot(securities, symbols, self.values[rows].reshape(len(rows), len(COLUMNS)), self.base[rows])

    def moved(self, before: "Slot") -> list[str]:
        """Securities that had a bar before and have another ticker's now, or one that has been elsewhere since."""
        was = dict(zip(before.securities, zip(before.symbols, before.base.tolist(), strict=True), strict=True))
        rows = zip(self.securities, self.symbols, self.base.tolist(), strict=True)
        return [name for name, *kept in rows if list(was.get(name, kept)) != kept]

    @staticmethod
    def all(parts: "list[Slot]") -> "Slot":
        """The bars of several slots of one time."""
        securities = [name for part in parts for name in part.securities]
        symbols = [name for part in parts for name in part.symbols]
        values, base = np.concatenate([part.values for part in parts]), np.concatenate([part.base for part in parts])
        return Slot(securities, symbols, values, base)


def merge(slot: Slot, frame: Frame, base: int) -> Slot:
    """The slot with the frame's rows in place of what it had of them, and without what the frame removes."""
    securities, removed = frame.ids()
    rows = dict(zip(slot.securities, zip(slot.symbols, slot.values, slot.base.tolist(), strict=True), strict=True))
    aside = {(security, symbol): (bar, of) for security, symbol, bar, of in slot.aside}
    for security, symbol in zip(removed, frame.removed, strict=True):
        if rows.get(security, ("",))[0] == symbol:
            del rows[security]
            if kept := [key for key in aside if key[0] == security]:
                rows[security] = kept[-1][1], *aside.pop(kept[-1])
        aside.pop((security, symbol), None)
    for security, symbol, values in zip(securities, frame.symbols, frame.values[:, : len(COLUMNS)], strict=True):
        aside.pop((security, symbol), None)
        if security in rows and rows[security][0] != symbol:
            aside[security, rows[security][0]] = rows[security][1:]
        rows[security] = symbol, values, base
    names = sorted(rows)
    symbols, values, bases = zip(*(rows[name] for name in names), strict=True) if names else ((), (), ())
    left = [(security, symbol, bar, of) for (security, symbol), (bar, of) in aside.items()]
    return Slot(names, list(symbols), np.array(values).reshape(len(names), len(COLUMNS)), np.array(bases, "i8"), left)


def framed(head: Frame, slot: Slot, values: Floats, removed: Slot) -> list[Frame]:
    """Rows of a slot with these values, and what was removed from it: a frame like `head` for each base."""
    found = []
    for base in sorted({*slot.base.tolist(), *removed.base.tolist()}):
        here = sorted(np.flatnonzero(slot.base == base).tolist(), key=slot.symbols.__getitem__)
        shown, gone = slot.part(here), removed.part(np.flatnonzero(removed.base == base).tolist())
        ids, symbols = shown.securities + gone.securities, shown.symbols + gone.symbols
        found.append(replace(head, revision=base + head.revision, symbols=shown.symbols, values=values[here],
                             removed=gone.symbols, securities=ids if ids != symbols else []))  # fmt: skip
    return found


@dataclass(frozen=True)
class History:
    """Features float64[M, F] of bars in time order: times int64[M], rows int64[M] of the live state."""

    times: Rows
    rows: Rows
    features: Floats

    def changed(self, before: "History") -> NDArray[np.bool_]:
        """Which bars here, bool[M], were not there before or had other bits."""
        here, there = _keys(self, before)
        if not len(there):
            return np.ones(len(here), bool)
        order = np.argsort(there)
        at = order[np.minimum(np.searchsorted(there, here, sorter=order), len(order) - 1)]
        bits, was = self.features.view("i8"), before.features.view("i8")
        return np.asarray((there[at] != here) | (bits != was[at]).any(axis=1))


def _keys(*histories: History) -> list[Rows]:
    """A number for each (time, row), the same in all histories."""
    times = np.unique(np.concatenate([one.times for one in histories]))
    width = max((int(one.rows.max(initial=0)) for one in histories), default=0) + 1
    return [np.searchsorted(times, one.times) * width + one.rows for one in histories]
