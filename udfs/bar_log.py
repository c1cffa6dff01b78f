"""The log of a shard of securities: the bars of its last times, and anchors, which are all feature state after a time.

In: slots and state as the shard makes them. Out: the same after any restart, and how far back the log reaches. This
file must not know features, frames or how to rewind.

    b/<bar end>   a closed time: securities, their symbols and bars
    a/<bar end>   an anchor: securities, feature state after that time
    v/<bar end>   how often a time was amended
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import MutableMapping

import numpy as np

from udfs import packing
from udfs.history import Slot
from udfs.kernels.state import Floats
from udfs.log import NEVER, BeyondHorizon, Log
from udfs.plan import TIME


class BarLog(Log):
    """Slots in memory and in the store, anchors in the store; width: float64 slots of a state row."""

    def __init__(self, store: MutableMapping[str, bytes], width: int) -> None:
        super().__init__(store)
        self.width = width
        self.times, self.anchors = sorted(self.numbered("b")), sorted(self.numbered("a"))
        self.slots = {end: self._read(end) for end in self.times}

    def slot(self, end: int) -> Slot:
        """The bars of a time, none where none is held."""
        return self.slots.get(end, Slot())

    def put(self, end: int, slot: Slot) -> None:
        """Write or replace the bars of a time."""
        if end not in self.slots:
            insort(self.times, end)
        header = {"securities": slot.securities, "symbols": slot.symbols}
        self[f"b/{end}"] = packing.pack(header, {"values": slot.values, "base": slot.base})
        self.slots[end] = slot

    def between(self, after: int, until: int) -> list[int]:
        """Times in (after, until]."""
        return self.times[bisect_right(self.times, after) : bisect_right(self.times, until)]

    def anchor(self, end: int) -> tuple[list[str], Floats]:
        """Securities and their state, float64[n, width], after a time; before the first anchor there are none."""
        if end == NEVER:
            return [], np.empty((0, self.width))
        header, arrays = packing.unpack(self[f"a/{end}"])
        return header["securities"], arrays["state"]

    def put_anchor(self, end: int, names: list[str], state: Floats) -> None:
        """Write or replace an anchor: by name, without those that have no bar, as a clean run has it."""
        if end not in self.anchors:
            insort(self.anchors, end)
        rows = sorted(np.flatnonzero(state[:, TIME]).tolist(), key=names.__getitem__)
        self[f"a/{end}"] = packing.pack({"securities": [names[i] for i in rows]}, {"state": state[rows]})

    def base(self, since: int) -> int:
        """The anchor from which a change at `since` is replayed; BeyondHorizon where the log does not reach so far."""
        at = bisect_left(self.anchors, since)
        if not at and self.meta.get("trimmed"):
            raise BeyondHorizon(
                f"a change at {since} is older than the log", hint="report it: it was to be refused before"
            )
        return self.anchors[at - 1] if at else NEVER

    def reaches(self, since: int) -> bool:
        """Whether no bar that ended after `since` was forgotten."""
        return not self.meta.get("trimmed") or self.anchors[0] <= since

    def amendment(self, end: int) -> int:
        """One more amendment of a time: its number, from 1."""
        number = int(self[f"v/{end}"]) + 1 if f"v/{end}" in self else 1
        self[f"v/{end}"] = str(number).encode()
        return number

    def trim(self, floor: int) -> None:
        """Forget what is not needed to change a bar that ends at `floor` or later."""
        while len(self.anchors) > 1 and self.anchors[1] < floor:
            del self[f"a/{self.anchors.pop(0)}"]
        while self.times and self.anchors and self.times[0] <= self.anchors[0] < floor:
            old = self.times.pop(0)
            del self.slots[old], self[f"b/{old}"]
            if f"v/{old}" in self:
                del self[f"v/{old}"]
            self.meta["trimmed"] = 1

    def _read(self, end: int) -> Slot:
        header, arrays = packing.unpack(self[f"b/{end}"])
        return Slot(header["securities"], header["symbols"], arrays["values"], arrays["base"])
