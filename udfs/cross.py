"""The cross-section operator's state: a ring of return frames, from which everything across members is made again.

In: indicator frames of all shards (their log returns), and the paths of the pairs' tickers inside a bar. Out: the
frames of a bar time: one of members, one of the universe, one of pairs. There is no matrix in the state, so a late
frame needs no undoing: the times whose window holds it are computed again, those whose paths it changes alone, and rows
that differ are emitted at a higher revision. Changes wait until `amend`. The members' rows may be shared out to tiles,
each of which hears all returns, and the first one of the shortest interval all paths. This file must not know Flink,
nor how a number is computed.

    r/<bar end>/<shard>      rows of one shard at one time: symbols, securities, log returns, moves, which are alive
    p/<bar end>/<n>          a frame that waits: for its time to pass, or, if that has passed, for `amend`
    c/<name>, n/<name>       a corporate action that was applied; one that waits
    v/<bar end>              how often that time was amended
    m                        clock, number of the first time that is held;  and what paths.py lists
"""

from collections.abc import Iterator, Mapping, MutableMapping
from itertools import groupby

import numpy as np

from schemas.settings import CrossAsset, duration, settings
from udfs import packing
from udfs.frame import PATHS, Frame
from udfs.log import DEFAULT, Heard, Horizon, Log, Record
from udfs.panel.asynchronous import of_pairs
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel
from udfs.panel.tables import Said, Table, tables
from udfs.paths import PathSlots, read
from udfs.ring import Member, Ring
from udfs.routing import MOVE
from udfs.securities import Actions
from udfs.sessions import ALWAYS
from udfs.ticks import shard_of

Row = tuple[str, float, int, bool]  # security, log return, moves, alive
Was = Mapping[int, list[bytes]]
"""The slots of paths, as they were, of times at which they have changed."""
UNCHANGED: Was = {}
NOTHING: dict[str, Table] = {}


class Universe:
    """Returns of every member over the horizon and one window before it, and the frames made of them.

    interval: of the bars, where they are rolled up; interval_us: of the shortest ones, for the clock and the horizon.
    of: what is computed; tile: which members' rows, by ticker; the first one tells of universe and pairs, too.
    """

    def __init__(
        self, store: MutableMapping[str, bytes], interval_us: int, horizon: Horizon = DEFAULT, interval: str = "",
        *, of: CrossAsset | None = None, tile: int = 0, calendar: str = ALWAYS,
    ) -> None:  # fmt: skip
        self.log, self.interval_us, self.horizon = Log(store), interval_us, horizon
        self.interval = interval or duration(interval_us)
        self.columns, self.tile = Columns(of or settings().cross_asset), tile
        self.calendar = calendar
        self.waiting = self.log.numbered("p")
        self.heard, self.news = Heard(self.log, "c"), Heard(self.log, "n")
        self.actions = Actions(self.heard.records.values(), calendar)
        self.paths = PathSlots(self.log)
        self.shards: dict[int, set[int]] = {}
        self.ring = Ring(first=self.log.meta.get("first", 0))
        self.said: dict[int, Said] = {}
        self.panel: tuple[Panel, list[str], set[str]] | None = None
        for end, shard in [(int(place[0]), int(place[1])) for kind, place in self.log.places() if kind == "r"]:
            self.shards.setdefault(end, set()).add(shard)
        for end in sorted(self.shards):
            self._set(end)

    @property
    def logs(self) -> list[Log]:
        """What is kept."""
        return [self.log]

    @property
    def clock(self) -> int:
        """End of the newest bar time that has passed, microseconds UTC."""
        return self.log.meta["clock"]

    @property
    def dirty(self) -> bool:
        """Whether changes of the past wait for `amend`."""
        return bool(self.news.records) or any(end <= self.clock for end in self.waiting)

    def hear(self, frame: Frame, packed: bytes = b"") -> int | None:
        """Take a shard's frame of indicators or paths; it waits. The bar end to be reminded at, None if passed.

        packed: the same frame as bytes, where they are at hand.
        """
        end = frame.event_time
        self.log[f"p/{end}/{self.waiting[end]}"] = packed or frame.pack()
        self.waiting[end] += 1
        self.log.save()
        return end if end > self.clock else None

    def act(self, record: Record) -> None:
        """Take a corporate action, which may say who is a member; it waits."""
        if record not in self.heard and record not in self.news:
            self.news.add(record)
            self.log.save()

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until` (microseconds UTC): the frames of all times that end by then."""
        until = until // self.interval_us * self.interval_us
        if until <= self.clock:
            return []
        ends = sorted(end for end in self.waiting if self.clock < end <= until)
        frames = self.amend() if ends and self.news.records else []
        first = len(self.ring.times)
        for end in ends:
            self._take(end)
            self._set(end)
        for end, found in self._tables(self.ring, first, len(self.ring.times)):
            self.said[end] = Said.of(found)
            frames += [self._frame(end, end, 0, view, table, []) for view, table in found.items() if table.symbols]
        self.log.meta["clock"] = until
        if ends:
            self._trim()
        self.log.save()
        return frames

    def amend(self) -> list[Frame]:
        """Apply the news, and frames of times that have passed: frames of the rows that differ, a revision higher."""
        before, was = self.ring.copy(), {}
        changed = self._news()
        for end in sorted(end for end in self.waiting if end <= self.clock):
            paths = self.paths.at(end)
            if self._take(end):
                changed.add(end)
            if paths != self.paths.at(end):
                was[end] = paths
        for end in changed:
            self._set(end)
        frames = self._restated(before, sorted(changed), was) if changed or was else []
        self.log.save()
        return frames

    def _news(self) -> set[int]:
        """Apply the actions that wait: the times that have other members by them."""
        was = self.actions.memberships
        if not self.news.records:
            return set()
        self.heard.take(self.news)
        self.actions = Actions(self.heard.records.values(), self.calendar)
        same = self.actions.memberships == was
        return set() if same else {end for end in self.shards if end <= self.clock and self._moved(end)}

    def _restated(self, before: Ring, changed: list[int], was: Was) -> list[Frame]:
        """The frames of what differs from before: of a changed time, and of those whose window holds it.

        A time more or less gives each later one another number, and its window other bars.
        """
        times, until, live = self.ring.times, self.clock, self.panel
        held = {*before.times, *times}
        ends = held & was.keys()
        if changed:
            if times == before.times:
                last = self.ring.place(changed[-1]) + self.columns.reach - 1
                until = times[last] if last < len(times) else self.clock
            ends |= {end for end in held if changed[0] <= end <= until}
        self._recall(before, sorted(ends.intersection(before.times) - self.said.keys()), was)
        now: dict[int, dict[str, Table]] = {}
        places = sorted(map(self.ring.place, ends.intersection(times)))
        for _, run in groupby(enumerate(places), lambda each: each[1] - each[0]):
            first, *others = [place for _, place in run]
            now |= self._tables(self.ring, first, first + len(others) + 1)
        if not changed:
            self.panel = live
        return [frame for end in sorted(ends) for frame in self._amended(end, now.get(end, NOTHING))]

    def _recall(self, before: Ring, ends: list[int], was: Was) -> None:
        """What was said of these times before a restore: it is computed again, once."""
        self.panel = None
        if ends:
            first, last = before.place(ends[0]), before.place(ends[-1] + 1)
            self.said |= {end: Said.of(found) for end, found in self._tables(before, first, last, was)}
            self.panel = None

    def _take(self, end: int) -> bool:
        """Merge the frames that wait for a time into its slots; whether any return or member is another one now."""
        before = self._stored(end)
        for n in range(self.waiting.pop(end)):
            self._merge(Frame.unpack(self.log[f"p/{end}/{n}"]))
            del self.log[f"p/{end}/{n}"]
        return before != self._stored(end)

    def _stored(self, end: int) -> dict[int, bytes]:
        return {shard: self.log[f"r/{end}/{shard}"] for shard in self.shards.get(end, ())}

    def _merge(self, frame: Frame) -> None:
        """A shard's rows into its slot; a removed one stays as dead, so that no older row of another shard returns."""
        if frame.view == PATHS:
            self.paths.put(frame)
            return
        rows = self._slot(frame.event_time, frame.shard)
        alive, dead = frame.ids()
        moves = frame.revision // MOVE
        for symbol, security, value in zip(frame.symbols, alive, frame.column("log_return").tolist(), strict=True):
            rows[symbol] = security, value, moves, True
        for symbol, security in zip(frame.removed, dead, strict=True):
            rows[symbol] = security, np.nan, moves, False
        symbols = sorted(rows)
        securities, values, counts, lives = zip(*(rows[name] for name in symbols), strict=True)
        arrays = {"returns": np.array(values), "moves": np.array(counts, "i4"), "alive": np.array(lives)}
        header = {"symbols": symbols, "securities": securities}
        self.log[f"r/{frame.event_time}/{frame.shard}"] = packing.pack(header, arrays)
        self.shards.setdefault(frame.event_time, set()).add(frame.shard)

    def _slot(self, end: int, shard: int) -> dict[str, Row]:
        key = f"r/{end}/{shard}"
        if key not in self.log:
            return {}
        header, arrays = packing.unpack(self.log[key])
        columns = header["securities"], *(arrays[name].tolist() for name in ("returns", "moves", "alive"))
        return dict(zip(header["symbols"], zip(*columns, strict=True), strict=True))

    def _set(self, end: int) -> None:
        """Write one time's row of the ring."""
        self.ring.put(end, self._members(end))

    def _moved(self, end: int) -> bool:
        """Whether others are members at a time than the ring says."""
        return set(self._members(end)) != {self.ring.names[i] for i in np.flatnonzero(self.ring.present[end])}

    def _members(self, end: int) -> dict[str, Member]:
        """Who has a bar at a time, by its slots, and is in the universe then."""
        rows: dict[str, Row] = {}
        for shard in self.shards.get(end, ()):
            for symbol, row in self._slot(end, shard).items():
                if symbol not in rows or rows[symbol][2] < row[2]:
                    rows[symbol] = row
        alive = {of: Member(value, symbol) for symbol, (of, value, _, lives) in sorted(rows.items()) if lives}
        otherwise = self.columns.of.members == "all"
        return {of: member for of, member in alive.items() if self.actions.member(of, end, otherwise)}

    def _tables(
        self, ring: Ring, first: int, last: int, was: Was = UNCHANGED
    ) -> Iterator[tuple[int, dict[str, Table]]]:  # fmt: skip
        """The rows of the times at these places; a panel that stands right before them goes on."""
        if first == last:
            return
        columns, bar = self.columns, ring.first + first
        here = {of for end in ring.times[first:last] for of, name in ring.tickers[end].items() if self._owns(name)}
        if self.panel is None or (self.panel[0].bar, self.panel[1]) != (bar - 1, ring.names) or here - self.panel[2]:
            mine = here.union(filter(self._owns, ring.names))
            rows = np.array([i for i, name in enumerate(ring.names) if name in mine], np.int64)
            self.panel = Panel(columns, ring.matrix(first - columns.reach, first), bar - 1, rows), ring.names, mine
        panel, *_ = self.panel
        wanted = ring.wanted(columns.benchmarks, columns.pairs, first, last)
        sections = panel.advance(ring.matrix(first, last), *wanted)
        for end, section in zip(ring.times[first:last], sections, strict=True):
            slots = was[end] if end in was else self.paths.at(end)
            inside = of_pairs(columns.pairs, read(slots), self.interval_us) if self.tile == 0 else None
            yield end, tables(section, columns, ring, end, panel.rows, inside, self._owns)

    def _owns(self, ticker: str) -> bool:
        """By ticker, for a bar may turn out to be another security's, and a row must not change its writer."""
        return shard_of(ticker, self.columns.of.tiles) == self.tile

    def _amended(self, end: int, now: dict[str, Table]) -> list[Frame]:
        """The frames of what differs from what was said."""
        was, self.said[end] = self.said.get(end, Said({})), Said.of(now)
        revision = int(self.log[f"v/{end}"]) + 1 if f"v/{end}" in self.log else 1
        frames = []
        for view in {**was.views, **now}:
            table = now.get(view) or Table.empty(self.columns, view)
            old, new = was.digests(view), self.said[end].digests(view)
            rows = [i for i, name in enumerate(table.symbols) if old.get(name) != new[name]]
            removed = sorted(set(old) - set(new))
            if rows or removed:
                known_at = self.clock + self.interval_us
                frames.append(self._frame(end, known_at, revision, view, table.part(rows), removed))
        if frames:
            self.log[f"v/{end}"] = str(revision).encode()
        return frames

    def _frame(self, end: int, known_at: int, revision: int, view: str, of: Table, removed: list[str]) -> Frame:
        return Frame(view, self.tile, end, known_at, revision, of.symbols, of.names, of.values, of.texts, removed,
                     interval=self.interval)  # fmt: skip

    def _trim(self) -> None:
        """Forget what no time that can still change has in its window."""
        floor = min([self.horizon.floor(self.clock, self.interval_us), *self.waiting])
        self.paths.forget(floor)
        more = self.ring.place(floor) - self.columns.reach
        if more <= 0:
            return
        gone = self.ring.drop(more)
        self.log.meta["first"] = self.ring.first
        for end in gone:
            for shard in self.shards.pop(end, ()):
                del self.log[f"r/{end}/{shard}"]
            if f"v/{end}" in self.log:
                del self.log[f"v/{end}"]
            self.said.pop(end, None)
