"""The returns of all members at all bar times that are held, as one matrix: what a cross-section is computed of.

In: rows of single times, in any order. Out: the matrix of consecutive times, and who was there, under which ticker.
Members are securities, so a change of ticker changes no number; they are columns, ascending. A time at which nobody
has a bar (any more) is no time. This file must not know where rows are kept, nor what is computed of them.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from udfs.kernels.state import Floats, Rows


class Member(NamedTuple):
    """One security at one time: its log return, NaN for none, and its ticker then."""

    value: float
    symbol: str


def places(wanted: Sequence[str], index: Mapping[str, int], renamed: Mapping[str, str]) -> list[int]:
    """Columns of tickers, -1 for one that nobody has. index: of securities; renamed: of those whose ticker differs."""
    shown = {symbol: security for security, symbol in renamed.items()}
    ids = [shown.get(name) or ("" if name in renamed else name) for name in wanted]
    return [index.get(name, -1) for name in ids]


@dataclass
class Ring:
    """times ascending, of which the first is bar number `first`; by time: returns and presence in the order of names,

    and tickers of the securities that are there under another name.
    """

    times: list[int] = field(default_factory=list)
    first: int = 0
    names: list[str] = field(default_factory=list)
    returns: dict[int, Floats] = field(default_factory=dict)
    present: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    tickers: dict[int, dict[str, str]] = field(default_factory=dict)

    def copy(self) -> "Ring":
        """As it is now, whatever is set later: rows are replaced, never written to."""
        return replace(
            self, times=list(self.times), returns=dict(self.returns), present=dict(self.present),
            tickers=dict(self.tickers),
        )  # fmt: skip

    def place(self, end: int) -> int:
        """Where a time is among the times, or would be."""
        return bisect_left(self.times, end)

    def put(self, end: int, members: Mapping[str, Member]) -> None:
        """Write or replace a time's row, making room for new members."""
        self._join(set(members) - set(self.names))
        self.returns[end] = np.array([members[name].value if name in members else np.nan for name in self.names])
        self.present[end] = np.array([name in members for name in self.names], bool)
        self.tickers[end] = {name: of.symbol for name, of in members.items() if of.symbol != name}
        at = self.place(end)
        held = at < len(self.times) and self.times[at] == end
        if members and not held:
            insort(self.times, end)
        elif held and not members:
            del self.times[at]

    def matrix(self, first: int, last: int) -> Floats:
        """Returns of the times at these places, float64[last - first, N]."""
        rows = [self.returns[end] for end in self.times[max(first, 0) : last]]
        return np.array(rows).reshape(len(rows), len(self.names))

    def wanted(
        self, tickers: Sequence[str], pairs: Sequence[tuple[str, str]], first: int, last: int
    ) -> tuple[Rows, Rows]:  # fmt: skip
        """Columns of tickers, int64[last - first, B], and pairs, int64[last - first, K, 2], at each time; -1: none."""
        names = [*tickers, *(name for pair in pairs for name in pair)]
        index = {name: i for i, name in enumerate(self.names)} if names else {}
        rows = [places(names, index, self.tickers[end]) for end in self.times[first:last]]
        found = np.array(rows, np.int64).reshape(last - first, len(names))
        return found[:, : len(tickers)], found[:, len(tickers) :].reshape(last - first, len(pairs), 2)

    def shown(self, end: int) -> list[str]:
        """The tickers of all members at a time; `A#1` for who was A, and is not there, where A is another one now."""
        tickers = self.tickers[end]
        taken = set(tickers.values())
        return [tickers.get(name) or (f"{name}#1" if name in taken else name) for name in self.names]

    def drop(self, count: int) -> list[int]:
        """Forget the oldest times, and what is before the first that is left; the times that are gone."""
        self.times, self.first = self.times[count:], self.first + count
        gone = [end for end in self.returns if not self.times or end < self.times[0]]
        for end in gone:
            del self.returns[end], self.present[end], self.tickers[end]
        return gone

    def _join(self, new: set[str]) -> None:
        """New members get a column at their place in ascending order."""
        if new:
            at = np.searchsorted(self.names, sorted(new)) if self.names else np.zeros(len(new), int)
            self.names = sorted({*self.names, *new})
            self.returns = {end: np.insert(row, at, np.nan) for end, row in self.returns.items()}
            self.present = {end: np.insert(row, at, False) for end, row in self.present.items()}
