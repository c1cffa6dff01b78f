"""The log of one shard: tick chunks, bar slots, anchors and actions under text keys in any mapping of bytes.

In: what the shard accepted. Out: the same again, after any restart. In Flink the mapping is keyed state, in a batch or
a test it is a dict. This file must not know features or how to rewind: only slots, their names and their bounds.

    t/<bar end>/<n>   the n-th chunk of tick records of a bar, kept for tick_horizon bars after it closed
    b/<bar end>       a closed bar time: symbols, values, revision
    a/<bar end>       an anchor: feature state after that bar
    c/<id>/<version>/<function>   a corporate action as it came
    m                 clock and counters
"""

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import MutableMapping
from dataclasses import dataclass

import numpy as np

from udfs import packing
from udfs.bars import COLUMNS
from udfs.kernels.state import Floats
from udfs.ticks import Ticks

NEVER = -(2**62)


@dataclass(frozen=True)
class Horizon:
    """How far back a shard can change: bars in the log, bars between anchors, bars whose ticks are kept."""

    bars: int = 1024
    anchor: int = 128
    ticks: int = 64


@dataclass(frozen=True)
class Slot:
    """The bars of one closed time: symbols ascending, values float64[len(symbols), 6], times amended."""

    symbols: list[str]
    values: Floats
    revision: int = 0


@dataclass(frozen=True)
class Anchor:
    """Feature state after a bar: state float64[len(symbols), width]."""

    symbols: list[str]
    state: Floats


class Log:
    """Slots of one shard with the sorted index of what is there, rebuilt from the keys on restore."""

    def __init__(self, store: MutableMapping[str, bytes], horizon: Horizon) -> None:
        self.store = store
        self.horizon = horizon
        self.chunks: dict[int, int] = {}
        self.times: list[int] = []
        self.anchors: list[int] = []
        self._open: dict[int, list[Ticks]] = {}
        for key in store:
            kind, *place = key.split("/")
            if kind == "t":
                self.chunks[int(place[0])] = max(self.chunks.get(int(place[0]), 0), int(place[1]) + 1)
            elif kind in "ab":
                (self.times if kind == "b" else self.anchors).append(int(place[0]))
        self.times.sort()
        self.anchors.sort()
        self.meta: dict[str, int] = json.loads(store["m"]) if "m" in store else {"clock": NEVER, "closed": 0}

    def add_ticks(self, bar_end: int, ticks: Ticks, packed: bytes = b"") -> None:
        """One more chunk of a bar's records; packed: the same as bytes, where they are at hand."""
        n = self.chunks.get(bar_end, 0)
        self.store[f"t/{bar_end}/{n}"] = packed or ticks.pack()
        if n == 0 or bar_end in self._open:
            self._open.setdefault(bar_end, []).append(ticks)
        self.chunks[bar_end] = n + 1

    def ticks(self, bar_end: int) -> list[Ticks]:
        """All chunks of a bar, from memory while it is open and was not restored."""
        stored = range(self.chunks.get(bar_end, 0))
        return self._open.get(bar_end) or [Ticks.unpack(self.store[f"t/{bar_end}/{n}"]) for n in stored]

    def bars(self, bar_end: int) -> Slot:
        """The slot of a closed time; an empty one where no bar was."""
        if not self.holds(bar_end):
            return Slot([], np.empty((0, len(COLUMNS))))
        header, arrays = packing.unpack(self.store[f"b/{bar_end}"])
        return Slot(header["symbols"], arrays["values"], header["revision"])

    def holds(self, bar_end: int) -> bool:
        """Whether a bar of this time is in the log."""
        at = bisect_left(self.times, bar_end)
        return at < len(self.times) and self.times[at] == bar_end

    def put_bars(self, bar_end: int, slot: Slot) -> None:
        """Write or replace the slot of a closed time."""
        if not self.holds(bar_end):
            insort(self.times, bar_end)
        header = {"symbols": slot.symbols, "revision": slot.revision}
        self.store[f"b/{bar_end}"] = packing.pack(header, {"values": slot.values})

    def anchor(self, bar_end: int, width: int) -> Anchor:
        """The state after a bar; before the first anchor there is no symbol."""
        if bar_end == NEVER:
            return Anchor([], np.empty((0, width)))
        header, arrays = packing.unpack(self.store[f"a/{bar_end}"])
        return Anchor(header["symbols"], arrays["state"])

    def put_anchor(self, bar_end: int, anchor: Anchor) -> None:
        """Write or replace an anchor."""
        if bar_end not in self.anchors:
            insort(self.anchors, bar_end)
        self.store[f"a/{bar_end}"] = packing.pack({"symbols": anchor.symbols}, {"state": anchor.state})

    def base(self, bar_end: int) -> int | None:
        """Newest anchor before a bar; NEVER while all history is held; None beyond the horizon."""
        at = bisect_left(self.anchors, bar_end)
        return self.anchors[at - 1] if at else (None if self.meta.get("trimmed") else NEVER)

    def between(self, after: int, until: int) -> list[int]:
        """Closed times in (after, until]."""
        return self.times[bisect_right(self.times, after) : bisect_right(self.times, until)]

    def keeps_ticks(self, bar_end: int) -> bool:
        """Whether the tick records of a closed bar are still held, so that it can be built again."""
        recent = self.times[-self.horizon.ticks :]
        return len(recent) < self.horizon.ticks or bar_end >= recent[0]

    def settle(self, bar_end: int) -> None:
        """After a close: drop what is beyond the horizon, write clock and counters."""
        self._open.pop(bar_end, None)
        for old in [end for end in self.chunks if end <= bar_end and not self.keeps_ticks(end)]:
            for n in range(self.chunks.pop(old)):
                del self.store[f"t/{old}/{n}"]
        keep = self.times[-self.horizon.bars] if len(self.times) >= self.horizon.bars else NEVER
        while len(self.anchors) > 1 and self.anchors[1] < keep:
            del self.store[f"a/{self.anchors.pop(0)}"]
        if self.anchors and self.anchors[0] < keep:
            for old in self.between(NEVER, self.anchors[0]):
                del self.store[f"b/{old}"]
                self.meta["trimmed"] = 1
            self.times = self.between(self.anchors[0], bar_end)
        self.save()

    def save(self) -> None:
        """Write clock and counters."""
        self.store["m"] = json.dumps(self.meta).encode()
