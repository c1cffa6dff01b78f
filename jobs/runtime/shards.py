"""The operator that the keyed stages share: one object a key, told of time, and of its turn to amend the past.

In: rows (shard, kind, payload) and the watermark. Out: what the objects emit. An object has `clock`, `advance(until)`,
`amend()`, `dirty` and `logs` (see udfs/tick_shard.py and its like); logs are keyed state, so they are a checkpoint's.
Changes of the past are many when a feed repeats itself or catches up, and each costs a replay; so they are applied in
turns, which take at most SHARE of the operator's time, and all at the end of a bounded input.
"""

import time
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import Generic, Protocol, TypeVar

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, KeyedProcessFunction, RuntimeContext, TimeDomain, TimerService

from jobs.runtime import spread
from jobs.runtime.envelope import ENVELOPE, envelope
from jobs.runtime.keyed import KeyedBytes
from schemas.errors import StateError
from udfs.frame import Frame
from udfs.log import NEVER, Log

END = 2**63 - 1
"""Event time, in milliseconds, at the end of a bounded input."""
SHARE = 0.04
SOON_MS = 50


class Amendable(Protocol):
    """What a key's object can do."""

    @property
    def logs(self) -> list[Log]:
        """What is kept."""

    @property
    def dirty(self) -> bool:
        """Whether changes of the past wait."""

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed, microseconds UTC."""

    def amend(self) -> list[Frame]:
        """Apply the changes."""


Shard = TypeVar("Shard", bound=Amendable)


class Shards(KeyedProcessFunction, Generic[Shard]):
    """Binds the state, keeps the objects, sets the timers. A stage says how an object is made and what it takes."""

    numbers: Mapping[int, int]
    """Number of the shard by key."""

    def open(self, context: RuntimeContext) -> None:
        """Bind the state, which is read with the first row of a key."""
        self.store = KeyedBytes(context, "log")
        self.shards: dict[int, Shard] = {}
        self.rest_until_ms = 0
        group = context.get_metrics_group().add_group("tickloom")
        group.gauge("state_bytes", lambda: sum(log.meta["bytes"] for of in self.shards.values() for log in of.logs))

    def make(self, number: int) -> Shard:
        """The object of a key, restored from `self.store`."""
        raise NotImplementedError

    def restored(self, shard: Shard) -> Iterator[Row]:
        """What the next stage is told of an object that goes on from a checkpoint."""
        yield from ()

    def take(self, shard: Shard, row: Row, timers: TimerService) -> Iterator[Row]:
        """One row."""
        raise NotImplementedError

    def process_element(self, row: Row, context: KeyedProcessFunction.Context) -> Iterator[Row]:
        """One row, after the time that has passed."""
        shard, timers = (yield from self._shard(context.get_current_key())), context.timer_service()
        passed_ms = timers.current_watermark() + 1
        if 0 < passed_ms < END:
            yield from map(envelope, shard.advance(passed_ms * 1000))
        yield from self.take(shard, row, timers)
        self._await_turn(shard, timers)

    def on_timer(self, timestamp: int, context: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """The watermark passed the end of a bar, or a turn to amend has come."""
        shard = yield from self._shard(context.get_current_key())
        if timestamp != END and context.time_domain() is TimeDomain.EVENT_TIME:
            yield from map(envelope, shard.advance((timestamp + 1) * 1000))
            self._await_turn(
                shard, context.timer_service()
            )  # a bar that closes may hold a cancel of another one's trade
        elif timestamp != END and _now_ms() < self.rest_until_ms:
            context.timer_service().register_processing_time_timer(self.rest_until_ms)
        elif shard.dirty:
            started = _now_ms()
            frames = shard.amend()
            self.rest_until_ms = _now_ms() + round((_now_ms() - started) / SHARE)
            yield from map(envelope, frames)

    def _await_turn(self, shard: Shard, timers: TimerService) -> None:
        if shard.dirty:
            timers.register_event_time_timer(END)
            timers.register_processing_time_timer(max(_now_ms() + SOON_MS, self.rest_until_ms))

    def _shard(self, key: int) -> Generator[Row, None, Shard]:
        if (number := self.numbers.get(key, -1)) < 0:
            what = f"the state has a key that none of {len(self.numbers)} shards has"
            raise StateError(
                what, hint="state.shards, cross_asset.tiles and bars.rollups are fixed: see docs/runbook.md"
            )
        if number not in self.shards:
            shard = self.shards[number] = self.make(number)
            if any(log.meta["clock"] != NEVER for log in shard.logs):
                yield from self.restored(shard)
        return self.shards[number]


def by_shard(
    rows: DataStream,
    function: Shards[Shard],
    name: str,
    shards: int,
    of: Callable[[Row], int] = lambda row: int(row[0]),
) -> DataStream:
    """Rows (shard, kind, payload) -> what the objects of that many shards emit; of: the number of a row's shard."""
    keys = spread.stream_keys(shards)
    function.numbers = {key: number for number, key in enumerate(keys)}
    keyed = rows.key_by(lambda row: keys[of(row)], key_type=Types.INT())
    return keyed.process(function, output_type=ENVELOPE).uid(f"features.{name}").name(name)


def remind(timers: TimerService, bar_end_us: int) -> None:
    """Have `advance` called when the watermark passes the end of a bar."""
    timers.register_event_time_timer(bar_end_us // 1000 - 1)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
