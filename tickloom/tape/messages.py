"""Ticks, bad messages, heartbeats and corporate actions as Kafka messages: value, key, partition, record time.

In: tables of `udfs.prints.TICK`, rows of `poison.BAD`, records of actions. Out: `Messages`, columns of Python lists.
The key is the symbol, the partition librdkafka's `consistent` one (crc32 of the key), the record time the event time in
milliseconds, rounded down. This file must not know a broker.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pyarrow as pa

from schemas.settings import UNITS
from schemas.wire import HEAD, encoder
from udfs.encode import encode_ticks

PRICE, ACTION = "market.price.v1", "market.corporate_action.v1"


class Message(NamedTuple):
    """One record of a topic; time in milliseconds since 1970, UTC."""

    value: bytes
    key: bytes
    partition: int
    time_ms: int


@dataclass
class Messages:
    """Records in the order in which they are published, as lists of equal length."""

    values: list[bytes] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)
    partitions: list[int] = field(default_factory=list)
    times_ms: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, i: int) -> Message:
        return Message(self.values[i], self.keys[i], self.partitions[i], self.times_ms[i])

    def part(self, first: int, last: int | None = None) -> "Messages":
        """The messages first .. last - 1."""
        at = slice(first, last)
        return Messages(self.values[at], self.keys[at], self.partitions[at], self.times_ms[at])

    def pick(self, order: list[int]) -> "Messages":
        """The messages at these places."""
        columns = (self.values, self.keys, self.partitions, self.times_ms)
        return Messages(*([column[i] for i in order] for column in columns))  # type: ignore[arg-type]

    def __add__(self, other: "Messages") -> "Messages":
        return Messages(self.values + other.values, self.keys + other.keys,
                        self.partitions + other.partitions, self.times_ms + other.times_ms)  # fmt: skip


class Framer:
    """Makes messages of one topic with so many partitions, under the registry's id of our schema."""

    def __init__(self, schema_id: int, partitions: int) -> None:
        self._head = HEAD.pack(0, schema_id)
        self._schema_id, self.partitions = schema_id, partitions

    def ticks(self, table: pa.Table) -> Messages:
        """One message a row of `TICK`."""
        symbol = table["symbol"].combine_chunks()
        keys = [name.encode() for name in symbol.dictionary.to_pylist()]
        places = [self._partition(key) for key in keys]
        codes = symbol.indices.to_pylist()
        times = (table["event_time"].to_numpy() // UNITS["ms"]).tolist()
        values = encode_ticks(table, self._head)
        return Messages(values, [keys[code] for code in codes], [places[code] for code in codes], times)

    def bad(self, table: pa.Table) -> Messages:
        """One message a row of `poison.BAD`."""
        keys = [name.encode() for name in table["symbol"].to_pylist()]
        framed = zip(table["framed"].to_pylist(), table["payload"].to_pylist(), strict=True)
        times = (table["event_time"].cast(pa.int64()).to_numpy() // UNITS["ms"]).tolist()
        return Messages([self._head * head + body for head, body in framed], keys, [*map(self._partition, keys)], times)

    def heartbeats(self, event_time_us: int) -> Messages:
        """One mark of time for each partition."""
        record = {"symbol": "", "event_time": event_time_us, "price": 0.0, "size": 0.0, "sequence": 0}
        value = encoder(PRICE, self._schema_id)(record | {"kind": "HEARTBEAT"})
        n, time_ms = self.partitions, event_time_us // UNITS["ms"]
        return Messages([value] * n, [b""] * n, list(range(n)), [time_ms] * n)

    def actions(self, records: list[dict[str, object]]) -> Messages:
        """One message a corporate action, its record time being known_at."""
        keys = [str(record["symbol"]).encode() for record in records]
        times = [int(str(record["known_at"])) // UNITS["ms"] for record in records]
        values = [*map(encoder(ACTION, self._schema_id), records)]
        return Messages(values, keys, [*map(self._partition, keys)], times)

    def _partition(self, key: bytes) -> int:
        return crc32(key) % self.partitions


class Mixer:
    """Puts bad messages at their places between the ticks that pass by."""

    def __init__(self, bad: pa.Table | None, framer: Framer) -> None:
        self._positions = np.zeros(0, "i8") if bad is None else bad["position"].to_numpy()
        self._frame: Callable[[int, int], Messages] = lambda first, last: (
            Messages() if bad is None or first == last else framer.bad(bad.slice(first, last - first))
        )
        self._passed = self._used = 0

    def mix(self, ticks: Messages) -> Messages:
        """The next ticks, with the bad messages whose place is before one of them."""
        last = int(np.searchsorted(self._positions, self._passed + len(ticks)))
        bad = self._frame(self._used, last)
        places = self._positions[self._used : last] - self._passed - 0.5
        self._passed, self._used = self._passed + len(ticks), last
        if not bad:
            return ticks
        order = np.argsort(np.concatenate([np.arange(len(ticks)), places]), kind="stable")
        return (ticks + bad).pick(order.tolist())

    def rest(self) -> Messages:
        """The bad messages after the last tick."""
        return self._frame(self._used, len(self._positions))


def as_known(ticks: Iterable[Messages], actions: Messages) -> Iterator[tuple[str, Messages]]:
    """(topic, messages): the ticks, and each action before the first tick that is later than the action was known.

    actions: by time. What is known later than all ticks comes last.
    """
    newest = used = 0
    for more in ticks:
        times = np.maximum.accumulate([newest, *more.times_ms])[1:]
        first, newest = 0, int(times[-1])
        while used < len(actions) and actions.times_ms[used] < newest:
            at = int(np.searchsorted(times, actions.times_ms[used], "right"))
            last = bisect_left(actions.times_ms, int(times[at]), used)
            yield PRICE, more.part(first, at)
            yield ACTION, actions.part(used, last)
            first, used = at, last
        yield PRICE, more.part(first)
    if used < len(actions):
        yield ACTION, actions.part(used)
