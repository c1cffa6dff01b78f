"""The cross-section operator's state: a ring of return frames, from which every pairwise number is made again.

In: indicator frames of all shards (their log returns). Out: one cross-asset frame a bar time. There is no matrix in
the state, so a late frame needs no undoing: the times whose window holds it are computed again, and rows that differ
are emitted at a higher revision. This file must not know Flink, nor how a correlation is computed.

    r/<bar end>/<shard>   symbols and log returns of one shard at one time
    v/<bar end>           how often that time was amended
    m                     clock; floor, the first time that can still change; frames refused as older
"""

import json
from bisect import bisect_left
from collections.abc import MutableMapping

import numpy as np
from numpy.typing import NDArray

from udfs import packing
from udfs.correlation import NUMBERS, PEER, WINDOW, cross_section
from udfs.frame import CROSS_ASSET, Frame
from udfs.kernels.state import Floats
from udfs.log import NEVER

Row = tuple[Floats, str]  # numbers and peer
History = dict[int, dict[str, Row]]  # bar end -> symbol -> row
START = {"clock": NEVER, "floor": NEVER, "refused": 0}


class Universe:
    """Returns of every member at the last `horizon` + 60 bar times, and the cross-asset frames made of them.

    A time at which no shard has a bar (any more) is no time: windows count those that have one.
    """

    def __init__(self, store: MutableMapping[str, bytes], horizon: int) -> None:
        self.store, self.keep = store, horizon + WINDOW
        self.meta: dict[str, int] = START | json.loads(store.get("m", b"{}"))
        self.waiting: dict[int, set[int]] = {}
        self.shards: dict[int, set[int]] = {}
        self.times: list[int] = []
        self.names: list[str] = []
        self.returns: list[Floats] = []
        self.present: list[NDArray[np.bool_]] = []
        for key in sorted(key for key in store if key.startswith("r/")):
            end, shard = map(int, key.split("/")[1:])
            (self.shards if end <= self.clock else self.waiting).setdefault(end, set()).add(shard)
        for end in sorted(self.shards):
            self._set(end)

    @property
    def clock(self) -> int:
        """End of the newest closed bar time, microseconds UTC."""
        return self.meta["clock"]

    def accept(self, frame: Frame) -> list[Frame]:
        """Take a shard's indicator frame: it waits for the clock, or amends the past at once."""
        end = frame.event_time
        if end > self.clock:
            self._put(frame)
            self.waiting.setdefault(end, set()).add(frame.shard)
            return []
        if end < self.meta["floor"]:
            self.meta["refused"] += 1
            self._save()
            return []
        first = bisect_left(self.times, end)
        affected = sorted({end, *self.times[first : first + WINDOW]})
        before = {time: self._rows(time) for time in affected}
        self._put(frame)
        self.shards.setdefault(end, set()).add(frame.shard)
        self._set(end)
        return self._amended(before, {time: self._rows(time) for time in affected})

    def close(self, until: int) -> list[Frame]:
        """The cross-asset frames of all waiting times at or before `until` (microseconds UTC)."""
        frames = []
        for end in sorted(end for end in self.waiting if end <= until):
            self.shards[end] = self.waiting.pop(end)
            self._set(end)
            self.meta["clock"] = end
            if rows := self._rows(end):
                frames.append(self._frame(end, end, 0, rows, []))
        self._trim()
        self._save()
        return frames

    def _put(self, frame: Frame) -> None:
        """Merge a shard's returns into its slot: amended rows replace, removed ones go."""
        key = f"r/{frame.event_time}/{frame.shard}"
        rows = self._slot(key) | dict(zip(frame.symbols, frame.column("log_return").tolist(), strict=True))
        kept = sorted(set(rows) - set(frame.removed))
        self.store[key] = packing.pack({"symbols": kept}, {"returns": np.array([rows[name] for name in kept], "f8")})

    def _slot(self, key: str) -> dict[str, float]:
        if key not in self.store:
            return {}
        header, arrays = packing.unpack(self.store[key])
        return dict(zip(header["symbols"], arrays["returns"].tolist(), strict=True))

    def _set(self, end: int) -> None:
        """Write one time's row of the matrix from its slots, making room for a new time or new members."""
        rows: dict[str, float] = {}
        for shard in self.shards[end]:
            rows |= self._slot(f"r/{end}/{shard}")
        self._join(set(rows) - set(self.names))
        at = bisect_left(self.times, end)
        if self._holds(end):
            del self.times[at], self.returns[at], self.present[at]
        if rows:
            self.times.insert(at, end)
            self.returns.insert(at, np.array([rows.get(name, np.nan) for name in self.names]))
            self.present.insert(at, np.array([name in rows for name in self.names]))

    def _holds(self, end: int) -> bool:
        at = bisect_left(self.times, end)
        return at < len(self.times) and self.times[at] == end

    def _join(self, new: set[str]) -> None:
        """New members get a column at their place in ascending order."""
        if new:
            place = np.searchsorted(self.names, sorted(new)) if self.names else np.zeros(len(new), int)
            self.names = sorted({*self.names, *new})
            self.returns = [np.insert(row, place, np.nan) for row in self.returns]
            self.present = [np.insert(row, place, False) for row in self.present]

    def _rows(self, end: int) -> dict[str, Row]:
        """The output rows of the members present at a time: numbers and peer."""
        if not self._holds(end):
            return {}
        at = bisect_left(self.times, end)
        members = np.flatnonzero(self.present[at])
        values, peers = np.full((len(self.names), len(NUMBERS)), np.nan), np.full(len(self.names), -1)
        if at + 1 >= WINDOW:
            result = cross_section(np.array(self.returns[at + 1 - WINDOW : at + 1]))
            values = np.column_stack([result.corr_market, result.beta_market, result.peer_corr])
            peers = result.peer
        return {self.names[i]: (values[i], self.names[peers[i]] if peers[i] >= 0 else "") for i in members}

    def _amended(self, before: History, after: History) -> list[Frame]:
        frames = []
        for end, rows in after.items():
            was = before[end]
            changed = {name: row for name, row in rows.items() if name not in was or _key(was[name]) != _key(row)}
            removed = sorted(set(was) - set(rows))
            if changed or removed:
                revision = int(self.store.get(f"v/{end}", b"0")) + 1
                self.store[f"v/{end}"] = str(revision).encode()
                frames.append(self._frame(end, self.clock, revision, changed, removed))
        return frames

    def _frame(self, end: int, known_at: int, revision: int, rows: dict[str, Row],
               removed: list[str]) -> Frame:  # fmt: skip
        names = sorted(rows)
        values = np.array([rows[name][0] for name in names]).reshape(len(names), len(NUMBERS))
        strings = {PEER: [rows[name][1] for name in names]}
        return Frame(CROSS_ASSET, 0, end, known_at, revision, names, NUMBERS, values, strings, removed)

    def _trim(self) -> None:
        if (more := len(self.times) - self.keep) <= 0:
            return
        del self.times[:more], self.returns[:more], self.present[:more]
        self.meta["floor"] = self.times[WINDOW - 2] + 1  # from here on, whole windows are in the ring
        for end in [end for end in self.shards if end < self.times[0]]:
            for shard in self.shards.pop(end):
                del self.store[f"r/{end}/{shard}"]
            self.store.pop(f"v/{end}", None)

    def _save(self) -> None:
        self.store["m"] = json.dumps(self.meta).encode()


def _key(row: Row) -> tuple[bytes, str]:
    return row[0].tobytes(), row[1]
