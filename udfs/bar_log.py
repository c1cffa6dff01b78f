"""The log of a shard of securities: the bars of its last times, and anchors, which are all feature state after a time.

In: slots and state as the shard makes them. Out: the same after any restart, and how far back the log reaches. This
file must not know features, frames or how to rewind.

    b/<bar end>   a closed time: securities, their symbols and bars
    a/<bar end>   an anchor: securities, feature state after that time
    v/<bar end>   how often a time was amended
    l             whose state a row of an anchor is: digest and number of slots of each feature, as Plan.layout
"""

import json
from bisect import bisect_left, bisect_right, insort
from collections.abc import MutableMapping
from typing import Any

import numpy as np

from schemas.errors import StateError
from udfs import packing
from udfs.history import Slot
from udfs.kernels.state import Floats
from udfs.log import NEVER, BeyondHorizon, Log
from udfs.plan import RESERVED, TIME, Plan


class BarLog(Log):
    """Slots in memory and in the store, anchors in the store, of the state of a plan's features."""

    def __init__(self, store: MutableMapping[str, bytes], plan: Plan) -> None:
        super().__init__(store)
        self.width, self._features, self._owned = plan.width, plan.layout(), False
        self.times, self.anchors = sorted(self.numbered("b")), sorted(self.numbered("a"))
        self.slots = {end: self._read(end) for end in self.times}

    def slot(self, end: int) -> Slot:
        """The bars of a time, none where none is held."""
        return self.slots.get(end, Slot())

    def put(self, end: int, slot: Slot) -> None:
        """Write or replace the bars of a time."""
        if end not in self.slots:
            insort(self.times, end)
        header: dict[str, Any] = {"securities": slot.securities, "symbols": slot.symbols}
        if slot.aside:
            header["aside"] = [[security, symbol, bar.tolist(), of] for security, symbol, bar, of in slot.aside]
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
        self._own()

    def adopt(self) -> int:
        """Have all anchors be of this plan: the one from which the bars are to be replayed, and later ones to be put.

        If it was another plan that wrote them, that is the first: features of both keep their state there, those that
        are new have none and begin with the first bar that is held. StateError where nothing says who wrote them.
        """
        newest = self.anchors[-1] if self.anchors else NEVER
        if not self.anchors:
            return newest
        held = [(name, count) for name, count in json.loads(self["l"])] if "l" in self else self._features
        if held == self._features:
            if (width := self.anchor(newest)[1].shape[1]) != self.width:
                what = f"anchors hold {width} numbers a security, the features of this job {self.width}"
                raise StateError(what, hint="upgrade the code with the features as they were, then change them")
            self._own()
            return newest
        first = self.anchors[0] if self.meta.get("trimmed") else NEVER
        if first != NEVER:
            header, arrays = packing.unpack(self[f"a/{first}"])
            self[f"a/{first}"] = packing.pack(header, {"state": _refitted(arrays["state"], held, self._features)})
        self._own()
        return first

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

    def _own(self) -> None:
        """Say that the anchors are of this plan."""
        if not self._owned:
            self["l"], self._owned = json.dumps(self._features).encode(), True
            self.save()

    def _read(self, end: int) -> Slot:
        header, arrays = packing.unpack(self[f"b/{end}"])
        aside = [(security, symbol, np.array(bar), of) for security, symbol, bar, of in header.get("aside", ())]
        return Slot(header["securities"], header["symbols"], arrays["values"], arrays["base"], aside)


def _refitted(state: Floats, held: list[tuple[str, int]], wanted: list[tuple[str, int]]) -> Floats:
    """State rows of one plan as those of another: what both have, zeros for what is new."""
    at, places = RESERVED, dict[str, int]()
    for name, count in held:
        places[name] = at
        at += count
    found = np.zeros((len(state), RESERVED + sum(count for _, count in wanted)))
    found[:, :RESERVED], at = state[:, :RESERVED], RESERVED
    for name, count in wanted:
        if name in places:
            found[:, at : at + count] = state[:, places[name] : places[name] + count]
        at += count
    return found
