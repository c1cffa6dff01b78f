"""The cross-section operator's state: a ring of return frames, from which every pairwise number is made again.

In: indicator frames of all shards (their log returns). Out: one cross-asset frame a bar time. There is no matrix in
the state, so a late frame needs no undoing: the times whose window holds it are computed again, and rows that differ
are emitted at a higher revision. Changes wait until `amend`. Members are securities, so a change of ticker changes
no number. This file must not know Flink, nor how a correlation is computed.

    r/<bar end>/<shard>      rows of one shard at one time: symbols, securities, log returns, moves, which are alive
    p/<bar end>/<n>          a frame that waits: for its time to pass, or, if that has passed, for `amend`
    v/<bar end>              how often that time was amended
    m                        clock
"""

from bisect import bisect_left, insort
from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from schemas.settings import duration
from udfs import packing
from udfs.correlation import NUMBERS, PEER, WINDOW, cross_section
from udfs.frame import CROSS_ASSET, Frame
from udfs.kernels.state import Floats
from udfs.log import DEFAULT, Horizon, Log
from udfs.routing import MOVE

Row = tuple[str, float, int, bool]  # security, log return, moves, alive


@dataclass(frozen=True)
class Rows:
    """The output at one time: symbols ascending, values float64[n, 3] in the order of NUMBERS, each one's peer."""

    symbols: list[str]
    values: Floats
    peers: list[str]

    def by_symbol(self) -> dict[str, tuple[bytes, str]]:
        """Symbol -> bytes of its numbers, and its peer."""
        numbers = (row.tobytes() for row in self.values)
        return dict(zip(self.symbols, zip(numbers, self.peers, strict=True), strict=True))


NOTHING = Rows([], np.empty((0, len(NUMBERS))), [])


class Universe:
    """Returns of every member over the horizon and 60 bar times before it, and the cross-asset frames made of them.

    A time at which no shard has a bar (any more) is no time: windows count those that have one. interval: of
    the bars, where they are rolled up; interval_us: of the shortest ones, for the clock and the horizon.
    """

    def __init__(
        self, store: MutableMapping[str, bytes], interval_us: int, horizon: Horizon = DEFAULT, interval: str = ""
    ) -> None:
        self.log, self.interval_us, self.horizon = Log(store), interval_us, horizon
        self.interval = interval or duration(interval_us)
        self.waiting = self.log.numbered("p")
        self.shards: dict[int, set[int]] = {}
        self.times: list[int] = []
        self.names: list[str] = []
        self.returns: dict[int, Floats] = {}
        self.present: dict[int, NDArray[np.bool_]] = {}
        self.tickers: dict[int, dict[str, str]] = {}
        self.emitted: dict[int, Rows] = {}
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
        return any(end <= self.clock for end in self.waiting)

    def hear(self, frame: Frame) -> int | None:
        """Take a shard's indicator frame; it waits. The bar end to be reminded at, None if that has passed."""
        end = frame.event_time
        self.log[f"p/{end}/{self.waiting[end]}"] = frame.pack()
        self.waiting[end] += 1
        self.log.save()
        return end if end > self.clock else None

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until` (microseconds UTC): the cross-asset frames of all times that end by then."""
        until = until // self.interval_us * self.interval_us
        if until <= self.clock:
            return []
        frames = []
        ends = sorted(end for end in self.waiting if self.clock < end <= until)
        for end in ends:
            self._take(end)
            self._set(end)
            self.log.meta["clock"] = end
            self.emitted[end] = rows = self._rows(end)
            if rows.symbols:
                frames.append(self._frame(end, end, 0, rows, []))
        self.log.meta["clock"] = until
        if ends:
            self._trim()
        self.log.save()
        return frames

    def amend(self) -> list[Frame]:
        """Apply the frames of times that have passed: frames of the rows that differ, at a higher revision."""
        ends = sorted(end for end in self.waiting if end <= self.clock)
        affected: set[int] = set()
        for end in ends:
            first = bisect_left(self.times, end)  # a time that ceases to be one draws a later one into each window
            affected |= {end, *self.times[first : first + WINDOW + len(ends)]}
        before = {end: self._emitted(end) for end in sorted(affected)}
        changed: set[int] = set()
        for end in ends:
            if self._take(end):
                self._set(end)
                first = bisect_left(self.times, end)
                changed |= {end, *self.times[first : first + WINDOW]}
        frames = [frame for end in sorted(changed) for frame in self._amended(end, before.get(end, NOTHING))]
        self.log.save()
        return frames

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
        """Write one time's row of the matrix from its slots, making room for a new time or new members."""
        rows: dict[str, Row] = {}
        for shard in self.shards[end]:
            for symbol, row in self._slot(end, shard).items():
                if symbol not in rows or rows[symbol][2] < row[2]:
                    rows[symbol] = row
        alive = {security: (value, symbol) for symbol, (security, value, _, lives) in sorted(rows.items()) if lives}
        self._join(set(alive) - set(self.names))
        self.returns[end] = np.array([alive[name][0] if name in alive else np.nan for name in self.names])
        self.present[end] = np.array([name in alive for name in self.names], bool)
        self.tickers[end] = {security: symbol for security, (_, symbol) in alive.items() if symbol != security}
        at = bisect_left(self.times, end)
        held = at < len(self.times) and self.times[at] == end
        if alive and not held:
            insort(self.times, end)
        elif held and not alive:
            del self.times[at]

    def _join(self, new: set[str]) -> None:
        """New members get a column at their place in ascending order."""
        if new:
            place = np.searchsorted(self.names, sorted(new)) if self.names else np.zeros(len(new), int)
            self.names = sorted({*self.names, *new})
            self.returns = {end: np.insert(row, place, np.nan) for end, row in self.returns.items()}
            self.present = {end: np.insert(row, place, False) for end, row in self.present.items()}

    def _rows(self, end: int) -> Rows:
        """The output rows of the members present at a time."""
        at = bisect_left(self.times, end)
        if at == len(self.times) or self.times[at] != end:
            return NOTHING
        values, peers = np.full((len(self.names), len(NUMBERS)), np.nan), np.full(len(self.names), -1)
        if at + 1 >= WINDOW:
            result = cross_section(np.array([self.returns[time] for time in self.times[at + 1 - WINDOW : at + 1]]))
            values = np.column_stack([result.corr_market, result.beta_market, result.peer_corr])
            peers = result.peer
        shown = [self.tickers[end].get(name, name) for name in self.names]
        members = sorted(np.flatnonzero(self.present[end]).tolist(), key=shown.__getitem__)
        return Rows(
            [shown[i] for i in members], values[members], [shown[peers[i]] if peers[i] >= 0 else "" for i in members]
        )

    def _emitted(self, end: int) -> Rows:
        """The rows that were last emitted; after a restore they are computed again, once."""
        if end not in self.emitted:
            self.emitted[end] = self._rows(end)
        return self.emitted[end]

    def _amended(self, end: int, was: Rows) -> list[Frame]:
        """The frame of what differs from the rows before."""
        self.emitted[end] = now = self._rows(end)
        old, new = was.by_symbol(), now.by_symbol()
        rows = [i for i, name in enumerate(now.symbols) if old.get(name) != new[name]]
        removed = sorted(set(old) - set(new))
        if not rows and not removed:
            return []
        revision = int(self.log[f"v/{end}"]) + 1 if f"v/{end}" in self.log else 1
        self.log[f"v/{end}"] = str(revision).encode()
        changed = Rows([now.symbols[i] for i in rows], now.values[rows], [now.peers[i] for i in rows])
        return [self._frame(end, self.clock + self.interval_us, revision, changed, removed)]

    def _frame(self, end: int, known_at: int, revision: int, rows: Rows, removed: list[str]) -> Frame:
        strings = {PEER: rows.peers}
        return Frame(CROSS_ASSET, 0, end, known_at, revision, rows.symbols, NUMBERS, rows.values, strings, removed,
                     interval=self.interval)  # fmt: skip

    def _trim(self) -> None:
        """Forget what no time that can still change has in its window."""
        floor = min([self.horizon.floor(self.clock, self.interval_us), *self.waiting])
        more = bisect_left(self.times, floor) - (WINDOW - 1)
        if more <= 0:
            return
        self.times = self.times[more:]
        for end in [end for end in self.shards if end < self.times[0]]:
            for shard in self.shards.pop(end):
                del self.log[f"r/{end}/{shard}"]
            if f"v/{end}" in self.log:
                del self.log[f"v/{end}"]
            for kept in (self.returns, self.present, self.tickers, self.emitted):
                kept.pop(end, None)
