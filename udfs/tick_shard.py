"""Ticks to bars: one shard of symbols, the records of its last bars, and what happens when one of those bars changes.

In: tick columns on time or late, corporate actions that rename, end or begin a security, the passing of event time.
Out: bar frames, each for the shard of the securities in it, and the trades of watched tickers. A bar is a function of
the set of its records (bars.py), so late, repeated, cancelled and corrected trades are one move: build the bar again,
emit the rows that differ. Changes wait until `amend`, so that many cost as much as one. This file must not know Flink,
Kafka or any feature.

    t/<bar end>/<n>   records of a bar: as they came, one run when it has closed, further ones of what came later
    b/<bar end>       the bars of a closed time as emitted: symbols, values, revision, counts, moves
    d/<bar end>       a closed time with records that wait for `amend`
    c/<name>          a corporate action;  and what strays.py lists
    m                 clock and counters
"""

from bisect import insort
from collections.abc import Collection, MutableMapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from schemas.settings import duration
from udfs import packing
from udfs.adjustment import when
from udfs.bars import COLUMNS, IDS, TRADES, Bars, build
from udfs.frame import BARS, MOVED, PATH, PATHS, Frame
from udfs.kernels.state import Floats, Rows
from udfs.log import DEFAULT, BeyondHorizon, Heard, Horizon, Log, Record
from udfs.routing import route
from udfs.securities import Actions
from udfs.strays import Strays
from udfs.ticks import Ticks, shard_of

COUNTS = ("duplicates", "cancelled", "amendments", "orphans")
FATES = ("on_time", "late", "used", *COUNTS)
"""Counters of records: how they came (the first two), and where each ended once its bar is closed (the others)."""
SHOWN = (*COLUMNS, *IDS)
IDENTITY = ("SYMBOL_CHANGE", "EXCHANGE_MOVE", "MERGER", "DELISTING", "RELISTING")


@dataclass(frozen=True)
class Slot:
    """The bars of one closed time, as emitted: symbols ascending, values float64[n, 14], counts int64[4] as in bars.py.

    moves: symbol -> how often its bar has moved to another security.
    """

    symbols: list[str] = field(default_factory=list)
    values: Floats = field(default_factory=lambda: np.empty((0, len(SHOWN))))
    counts: Rows = field(default_factory=lambda: np.zeros(len(COUNTS), "i8"))
    revision: int = 0
    moves: dict[str, int] = field(default_factory=dict)


class TickShard:
    """The symbols of one shard; shards: how many there are; calendar: of listings that name none (settings).

    watched: tickers whose trades are emitted, too, as frames of the view PATHS.
    """

    def __init__(
        self, shard: int, shards: int, interval_us: int, store: MutableMapping[str, bytes],
        horizon: Horizon = DEFAULT, calendar: str = "24/7", watched: Collection[str] = (),
    ) -> None:  # fmt: skip
        self.shard, self.shards, self.interval_us = shard, shards, interval_us
        self.horizon, self.calendar = horizon, calendar
        self.watched = {name for name in watched if self.owns(name)}
        self.log = Log(store)
        self.chunks = self.log.numbered("t")
        self.times = sorted(int(place[0]) for kind, place in self.log.places() if kind == "b")
        self.dirty = {int(place[0]) for kind, place in self.log.places() if kind == "d"}
        self.heard = Heard(self.log, "c")
        self.actions = Actions(self.heard.records.values(), calendar)
        self.strays = Strays(self.log)
        self._open: dict[int, list[Ticks]] = {}

    @property
    def logs(self) -> list[Log]:
        """What is kept."""
        return [self.log]

    @property
    def clock(self) -> int:
        """End of the newest bar time that has passed, microseconds UTC; NEVER before the first."""
        return self.log.meta["clock"]

    @property
    def counts(self) -> dict[str, int]:
        """Records by fate since the beginning, exact across restarts."""
        return {fate: self.log.meta.get(fate, 0) for fate in FATES}

    def owns(self, symbol: str) -> bool:
        """Whether a ticker's records come here."""
        return shard_of(symbol, self.shards) == self.shard

    def accept(self, ticks: Ticks, packed: bytes = b"") -> tuple[set[int], NDArray[np.bool_]]:
        """Take trade records: the ends of bars that wait for the clock, and which records are beyond the horizon.

        packed: the same records as bytes, where they are at hand. Records of closed bars wait for `amend`.
        """
        ends = (ticks.event_time // self.interval_us + 1) * self.interval_us
        refused = ends < self._floor()
        found = sorted({*ends[~refused].tolist()})
        for end in found:
            whole = len(found) == 1 and not refused.any()
            self._add(end, ticks if whole else ticks.take(ends == end), packed if whole else b"")
        late = int(np.count_nonzero((ends <= self.clock) & ~refused))
        self._count("late", late)
        self._count("on_time", len(ticks) - late - int(refused.sum()))
        self.log.save()
        return {end for end in found if end > self.clock}, refused

    def act(self, record: Record) -> list[Frame]:
        """Take a corporate action: bars that belong to another security by it move there, twice heard it does nothing.

        BeyondHorizon if it, or what was heard of the same event, took effect before the horizon.
        """
        if record in self.heard:
            return []
        same = [each for each in self.heard.records.values() if each["event_id"] == record["event_id"]]
        if any(when(each, self.calendar) < self._floor() - self.interval_us for each in [record, *same]):
            raise BeyondHorizon(f"action {record['event_id']} is older than the horizon", hint="repair it by replay")
        if not any(each["action_type"] in IDENTITY for each in [record, *same]):
            self.heard.add(record)
            self.log.save()
            return []
        now = Actions([*self.heard.records.values(), record], self.calendar)
        changed = {name for name in {*now.cuts, *self.actions.cuts} if self._differs(name, now)}
        was, self.actions = self.actions, now
        self.heard.add(record)
        frames = [frame for end in self.times for frame in self._move(end, changed, was)]
        self.log.save()
        return frames

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until` (microseconds UTC): the bar frames of all bars that end by then."""
        until = until // self.interval_us * self.interval_us
        if until <= self.clock:
            return []
        ends = sorted(end for end in self.chunks if self.clock < end <= until)
        # what waits is applied before its bar is forgotten, here or in the next stage
        floor = self.horizon.floor(until, self.interval_us)
        frames = self.amend() if any(end < floor for end in self.dirty) else []
        self.log.meta["clock"] = until
        frames += [frame for end in ends for frame in self._close(end)]
        if ends:
            self._trim()
        self.log.save()
        return frames

    def amend(self) -> list[Frame]:
        """Build the closed bars again that got records since: frames of the rows that differ, at a higher revision."""
        frames = []
        while self.dirty:  # a bar that is built again may have amendments of another one
            frames += self._rebuild(min(self.dirty))
        self.log.save()
        return frames

    def _add(self, end: int, ticks: Ticks, packed: bytes) -> None:
        self.log[f"t/{end}/{self.chunks[end]}"] = packed or ticks.pack()
        if end <= self.clock:
            self._mark(end)
        elif end in self._open or not self.chunks[end]:
            self._open.setdefault(end, []).append(ticks)
        self.chunks[end] += 1

    def _mark(self, end: int) -> None:
        if end not in self.dirty:
            self.log[f"d/{end}"] = b""
            self.dirty.add(end)

    def _ticks(self, end: int) -> Ticks:
        """All records of a bar; from memory while it is open and was not restored."""
        stored = range(self.chunks[end])
        return Ticks.concat(self._open.pop(end, []) or [Ticks.unpack(self.log[f"t/{end}/{n}"]) for n in stored])

    def _close(self, end: int) -> list[Frame]:
        ticks = self._ticks(end)
        bars = self._bars(end, ticks)
        for n in range(1, self.chunks[end]):
            del self.log[f"t/{end}/{n}"]
        self.log[f"t/{end}/0"], self.chunks[end] = ticks.pack(), 1
        slot = _slot_of(bars)
        self._put(end, slot)
        self._note(end, ticks)
        return self._frames(BARS, end, end, slot, slot.symbols, slot.values, []) + self._paths(end, end, slot, bars)

    def _bars(self, end: int, ticks: Ticks) -> Bars:
        """The bars of these records and of what amends their trades from elsewhere, which is counted where it lies."""
        others = self.strays.naming(end, ticks)
        if others is None:
            return build(ticks, end)
        bars = build(Ticks.concat([ticks, others]), end)
        bars.counts[COUNTS.index("amendments")] -= len(others)
        return bars

    def _note(self, end: int, ticks: Ticks) -> None:
        """Have the bars built again whose trades the amendments of this one may name."""
        for other in self.strays.note(end, ticks):
            if other >= self._floor():
                self._mark(other)

    def _rebuild(self, end: int) -> list[Frame]:
        ticks = self._ticks(end)
        was, bars = self._slot(end), self._bars(end, ticks)
        self.dirty.remove(end)
        self._note(end, ticks)
        slot = replace(_slot_of(bars), revision=was.revision + 1, moves=was.moves)
        old = dict(zip(was.symbols, was.values, strict=True))
        pairs = zip(slot.symbols, slot.values, strict=True)
        rows = [i for i, (name, row) in enumerate(pairs) if name not in old or old[name].tobytes() != row.tobytes()]
        removed = sorted(set(was.symbols) - set(bars.symbols))
        self._put(end, slot if rows or removed else replace(slot, revision=was.revision))
        del self.log[f"d/{end}"]
        symbols, known_at = [slot.symbols[i] for i in rows], self.clock + self.interval_us
        frames = self._frames(BARS, end, known_at, slot, symbols, slot.values[rows], removed)
        return frames + self._paths(end, known_at, slot, bars, was.symbols)

    def _put(self, end: int, slot: Slot) -> None:
        """Write the slot of a closed time, and count its records instead of those that it had."""
        for sign, of in ((-1, self._slot(end)), (1, slot)):
            self._count("used", sign * int(of.values[:, TRADES].sum()))
            for fate, n in zip(COUNTS, of.counts, strict=True):
                self._count(fate, sign * int(n))
        if f"b/{end}" not in self.log:
            insort(self.times, end)
        header = {"symbols": slot.symbols, "revision": slot.revision, "moves": slot.moves}
        self.log[f"b/{end}"] = packing.pack(header, {"values": slot.values, "counts": slot.counts})

    def _slot(self, end: int) -> Slot:
        if f"b/{end}" not in self.log:
            return Slot()
        header, arrays = packing.unpack(self.log[f"b/{end}"])
        values = arrays["values"]
        if values.shape[1] < len(SHOWN):  # kept before there were ids
            values = np.pad(values, ((0, 0), (0, len(SHOWN) - values.shape[1])))
        return Slot(header["symbols"], values, arrays["counts"], header["revision"], header["moves"])

    def _differs(self, symbol: str, now: Actions) -> bool:
        """Whether a symbol's security at any time in the log is another one by these actions."""
        return any(self.actions.security(symbol, end) != now.security(symbol, end) for end in self.times)

    def _move(self, end: int, changed: set[str], was: Actions) -> list[Frame]:
        """The bars of these symbols to where they belong now: out of the old shard's log, into the new one's."""
        slot = self._slot(end)
        moved = [name for name in slot.symbols if name in changed]
        moved = [name for name in moved if was.security(name, end) != self.actions.security(name, end)]
        if not moved:
            return []
        known_at, rows = self.clock + self.interval_us, [slot.symbols.index(name) for name in moved]
        empty = np.empty((0, len(SHOWN)))
        frames = self._frames(MOVED, end, known_at, slot, [], empty, moved, was)
        slot = replace(slot, moves=slot.moves | {name: slot.moves.get(name, 0) + 1 for name in moved})
        self._put(end, slot)
        return frames + self._frames(MOVED, end, known_at, slot, moved, slot.values[rows], [])

    def _frames(
        self, view: str, end: int, known_at: int, slot: Slot, symbols: list[str], values: Floats, removed: list[str],
        actions: Actions | None = None,
    ) -> list[Frame]:  # fmt: skip
        """The rows, one frame for each shard of their securities and number of moves."""
        head = Frame(view, self.shard, end, known_at, slot.revision, symbols, SHOWN, values, removed=removed,
                     interval=duration(self.interval_us))  # fmt: skip
        return route(head, slot.moves, actions or self.actions, self.shards)

    def _paths(self, end: int, known_at: int, slot: Slot, bars: Bars, was: Collection[str] = ()) -> list[Frame]:
        """All trades of watched tickers of a bar, which may have none any more."""
        if not self.watched:
            return []
        symbols, values = bars.trades.path(self.watched)
        if not (symbols or self.watched.intersection(was)):
            return []
        of = duration(self.interval_us)
        return [Frame(PATHS, self.shard, end, known_at, slot.revision, symbols, PATH, values, interval=of)]

    def _floor(self) -> int:
        """The oldest bar end that can change."""
        return self.horizon.floor(self.clock, self.interval_us)

    def _trim(self) -> None:
        """Forget what is older than the horizon."""
        floor = self._floor()
        old = [end for end in self.chunks if end < floor]
        for end in old:
            for n in range(self.chunks.pop(end)):
                del self.log[f"t/{end}/{n}"]
        self.strays.forget(end for end in self.times if end < floor)
        while self.times and self.times[0] < floor:
            del self.log[f"b/{self.times.pop(0)}"]

    def _count(self, fate: str, n: int) -> None:
        if n:
            self.log.meta[fate] = self.log.meta.get(fate, 0) + n


def _slot_of(bars: Bars) -> Slot:
    """The bars of a closed time, with what they are made of."""
    return Slot(bars.symbols, np.hstack([bars.values, bars.ids]), bars.counts)
