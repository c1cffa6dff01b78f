"""What a shard keeps: text keys `<kind>/...` in any mapping of bytes, with clock, counters and an account of size.

In Flink the mapping is keyed state, in a batch or a test it is a dict. What all logs of a job hold has one LAYOUT, of
which tests/golden/state.json is the picture. This file must not know what the values mean.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from schemas.errors import DataError, StateError

NEVER = -(2**62)
LAYOUT = 2
"""Of kept state. 1: before it had a number; 2: anchors say which features' state they hold, bars of ticks have ids.

The code reads this layout and the one before it, no other: see docs/adr/0015-state-outlives-the-code.md."""
Record = Mapping[str, Any]


class BeyondHorizon(DataError):
    """A change of the past that is older than the log: refused, to be repaired by replay."""


@dataclass(frozen=True)
class Horizon:
    """How far back a shard can change, in bars; bar times between two snapshots of the features' state."""

    bars: int = 1440
    anchor: int = 64

    def floor(self, clock: int, interval_us: int) -> int:
        """The oldest bar end that can change when the clock is there: a span of event time, the same in every shard."""
        return clock - (self.bars - 1) * interval_us


DEFAULT = Horizon()


class Log:
    """Keyed bytes; `meta`: clock (end of the newest closed bar, microseconds UTC) and whole numbers, kept by `save`."""

    def __init__(self, store: MutableMapping[str, bytes]) -> None:
        self._store = store
        self._sizes: dict[str, int | None] = dict.fromkeys(store)  # None: not read since the restore
        self.meta: dict[str, int] = {"clock": NEVER, "bytes": 0, "layout": LAYOUT}
        if self._sizes.pop("m", 0) is None:
            self.meta |= {"layout": 1} | json.loads(store["m"])
        self.layout = _readable(self.meta["layout"])
        """That in which the state was written; what is written from now on has the present one."""
        self.meta["layout"] = LAYOUT

    def __getitem__(self, key: str) -> bytes:
        return self._store[key]

    def __setitem__(self, key: str, value: bytes) -> None:
        self.meta["bytes"] += len(value) - self._size(key)
        self._sizes[key] = len(value)
        self._store[key] = value

    def __delitem__(self, key: str) -> None:
        self.meta["bytes"] -= self._size(key)
        del self._sizes[key], self._store[key]

    def places(self) -> Iterator[tuple[str, list[str]]]:
        """Kind and the rest of each key: for a restore."""
        for key in self._sizes:
            kind, *place = key.split("/")
            yield kind, place

    def numbered(self, kind: str) -> defaultdict[int, int]:
        """Bar end -> how many keys `<kind>/<bar end>/<n>` there are, numbered from 0."""
        counts: defaultdict[int, int] = defaultdict(int)
        for end in (int(place[0]) for found, place in self.places() if found == kind):
            counts[end] += 1
        return counts

    def __contains__(self, key: str) -> bool:
        return key in self._sizes

    def save(self) -> None:
        """Write clock and counters."""
        self._store["m"] = json.dumps(self.meta).encode()

    def _size(self, key: str) -> int:
        """Length of what a key holds, 0 for one that is not there: to ask the store costs more than to write."""
        size = self._sizes.get(key, 0)
        return len(self._store[key]) if size is None else size


def _readable(layout: int) -> int:
    """The layout of what is there; StateError if this code does not read it."""
    if layout in (LAYOUT - 1, LAYOUT):
        return layout
    what = f"the state has layout {layout}, this code reads {LAYOUT - 1} and {LAYOUT}"
    between = "upgrade to the versions between first, one after the other"
    raise StateError(what, hint=between if layout < LAYOUT else "go on with the newer code that wrote it")


class Heard:
    """The corporate action records that a log holds under one kind of key: a set, whatever the order and repeats."""

    def __init__(self, log: Log, kind: str) -> None:
        self._log, self._kind = log, kind
        self.records: dict[str, Record] = {
            place[0]: json.loads(log[f"{kind}/{place[0]}"]) for found, place in log.places() if found == kind
        }

    def add(self, record: Record) -> None:
        """Keep a record."""
        name = self.name(record)
        self.records[name] = record
        self._log[f"{self._kind}/{name}"] = json.dumps(record, sort_keys=True).encode()

    def take(self, others: "Heard") -> None:
        """Keep all of the others, which are then empty."""
        for record in others.records.values():
            self.add(record)
        others.clear()

    def clear(self) -> None:
        """Forget all."""
        for name in self.records:
            del self._log[f"{self._kind}/{name}"]
        self.records = {}

    def __contains__(self, record: Record) -> bool:
        return self.name(record) in self.records

    @staticmethod
    def name(record: Record) -> str:
        """A name that only an equal record has."""
        return hashlib.blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=12).hexdigest()
