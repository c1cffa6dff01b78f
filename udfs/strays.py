"""Cancels and corrections that name a trade of another bar: which bar may hold it.

In: the records of each closed bar. Out: the closed bars in which a named trade may be, and for a bar the amendments of
other bars that name its trades. Trades are found by a Bloom filter a bar (https://doi.org/10.1145/362686.362692), so
that a cancel that comes hundreds of bars later costs no search of all their records. Only trades with an id can be
named from elsewhere. This file must not know bars, clocks or why a bar is built again.

    f/<bar end>   the filter of a bar's trades, 16 bits a trade
    s/<bar end>   amendments in it that name no trade of it
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from udfs.bars import MIX, Hashes, identity
from udfs.fnv import EMPTY_TEXT
from udfs.log import Log
from udfs.ticks import TRADE, Ticks

BITS = 16
SHIFTS = np.array([0, 21, 42], "u8")


class Strays:
    """The filters and strays of the bars in a log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._filters: dict[int, NDArray[np.uint8] | None] = dict.fromkeys(log.numbered("f"))  # None: not read yet
        self._strays = {end: Ticks.unpack(log[f"s/{end}"]) for end in log.numbered("s")}

    def note(self, end: int, ticks: Ticks) -> list[int]:
        """All records of a closed bar, noted: the ends of the other bars that its strays, new or gone, may name."""
        ids = identity(ticks)
        trades = ids[ticks.kind == TRADE]
        bits = self._filters[end] = _filter(trades)
        self._log[f"f/{end}"] = bits.tobytes()
        amending = (ticks.kind != TRADE) & (ticks.trade_id != EMPTY_TEXT)
        stray = np.flatnonzero(amending & ~np.isin(ids, trades)) if amending.any() else np.empty(0, "i8")
        if not len(stray) and end not in self._strays:  # as nearly always
            return []
        was = identity(self._strays[end]) if end in self._strays else ids[:0]
        changed = np.setxor1d(ids[stray], was)
        self._keep(end, ticks.take(stray))
        if not len(changed):
            return []
        return [other for other in list(self._filters) if other != end and _holds(self._bits(other), changed).any()]

    def naming(self, end: int, ticks: Ticks) -> Ticks | None:
        """Amendments of other bars that name trades of this one, whose records these are."""
        others = [strays for other, strays in self._strays.items() if other != end]
        if not others:
            return None
        found = Ticks.concat(others)
        named = np.isin(identity(found), identity(ticks)[ticks.kind == TRADE])
        return found.take(named) if named.any() else None

    def forget(self, ends: Iterable[int]) -> None:
        """Bars that the log no longer holds."""
        for end in ends:
            if end in self._filters:
                del self._filters[end], self._log[f"f/{end}"]
            if self._strays.pop(end, None) is not None:
                del self._log[f"s/{end}"]

    def _bits(self, end: int) -> NDArray[np.uint8]:
        """The filter of a bar: a restored log's are read when the first stray comes, for each is a trip."""
        bits = self._filters[end]
        if bits is None:
            bits = self._filters[end] = np.frombuffer(self._log[f"f/{end}"], "u1")
        return bits

    def _keep(self, end: int, strays: Ticks) -> None:
        if len(strays):
            self._strays[end] = strays
            self._log[f"s/{end}"] = strays.pack()
        elif self._strays.pop(end, None) is not None:
            del self._log[f"s/{end}"]


def _places(ids: Hashes, size: int) -> NDArray[np.uint64]:
    """The bits of each id in a filter of this many bytes, uint64[n, 3]."""
    spread = (ids * MIX)[:, None] >> SHIFTS
    return np.asarray(spread % np.uint64(8 * size))


def _filter(ids: Hashes) -> NDArray[np.uint8]:
    """The filter of these trades."""
    size = max(1, BITS * len(ids) // 8)
    bits = np.zeros(8 * size, bool)
    bits[_places(ids, size).ravel().astype("i8")] = True
    return np.packbits(bits)


def _holds(filter_: NDArray[np.uint8], ids: Hashes) -> NDArray[np.bool_]:
    """Which ids may be among a filter's trades, bool[n]: never wrong with no, rarely with yes."""
    at = _places(ids, len(filter_)).astype("i8")
    bits = (filter_[at // 8] >> (7 - at % 8).astype("u1")) & 1
    return np.asarray(bits.astype(bool).all(axis=1))
