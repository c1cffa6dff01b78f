"""Bars: blocks of ticks of a shard of symbols -> bar frames for the shards of their securities.

In: rows (shard, kind, payload) of the kinds ticks, late and action. Out: frames of closed bars, and of bars that a late
record changed; the trades of the pairs' tickers; dead letters of what is older than the horizon; actions go on to the
next stage. What is of another kind passes. This file must not know how a bar is built: see udfs/tick_shard.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.dead_letters import DeadLetters, unbundle, unpack_raw
from jobs.runtime.envelope import ACTION, LATE, TICKS, envelope
from jobs.runtime.metrics import Counts
from jobs.runtime.shards import Shards, by_shard, remind
from schemas.settings import Settings, parse_duration
from udfs import packing
from udfs.log import BeyondHorizon, Horizon
from udfs.panel.columns import Columns
from udfs.tick_shard import TickShard
from udfs.ticks import Ticks


class Bars(Shards[TickShard]):
    """One TickShard per key.

    price and action make the dead letters of what is refused, which fails the job without them; known: corporate
    actions that hold from the start.
    """

    def __init__(
        self, interval: str, settings: Settings, price: DeadLetters | None = None, action: DeadLetters | None = None,
        known: Sequence[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        self.interval_us, self.price, self.action, self.known = parse_duration(interval), price, action, known
        self.number = settings.state.shards
        self.horizon = Horizon(settings.state.horizon_bars, settings.state.anchor_bars)
        self.calendar, self.watched = settings.bars.calendar, Columns(settings.cross_asset).watched

    def open(self, context: RuntimeContext) -> None:
        """Bind state and counters."""
        super().open(context)
        self.counts = Counts(context, self.shards)

    def make(self, number: int) -> TickShard:
        """The shard of these symbols."""
        of = self.horizon, self.calendar, self.watched
        shard = TickShard(number, self.number, self.interval_us, self.store, *of)
        for action in self.known:
            shard.act(action)
        return shard

    def take(self, shard: TickShard, row: Row, timers: TimerService) -> Iterator[Row]:
        """Ticks, late ticks, an action, or what passes."""
        _, kind, payload = row
        if kind == TICKS:
            yield from self._ticks(shard, Ticks.unpack(payload), bytes(payload), timers)
        elif kind == LATE:
            places, arrays = packing.unpack(payload)
            yield from self._ticks(shard, Ticks.unpack(arrays["ticks"].tobytes()), b"", timers, (places, arrays))
        elif kind == ACTION:
            yield from self._act(shard, row)
        else:
            self.counts.dead(sum(1 for _ in unbundle(payload)))
            yield row

    def _ticks(
        self, shard: TickShard, ticks: Ticks, packed: bytes, timers: TimerService,
        late: tuple[packing.Header, packing.Arrays] | None = None,
    ) -> Iterator[Row]:  # fmt: skip
        ends, refused = shard.accept(ticks, packed)
        for end in ends:
            remind(timers, end)
        for i in np.flatnonzero(refused):
            if late is None or self.price is None:  # settings are checked to make this impossible
                raise BeyondHorizon(
                    "a tick that came in time is older than the horizon", hint="raise state.horizon_bars"
                )
            self.counts.dead()
            raw, place = unpack_raw(*late, int(i))
            yield self.price.late(shard.shard, raw, place, "order")

    def _act(self, shard: TickShard, row: Row) -> Iterator[Row]:
        place = json.loads(row[2])
        try:
            yield from map(envelope, shard.act(place["action"]))
            yield row
        except BeyondHorizon as refused:
            if self.action is None:
                raise
            if not shard.owns(place["action"]["symbol"]):  # all shards refuse it, one says so
                return
            self.counts.dead()
            yield self.action.late(shard.shard, bytes.fromhex(place["raw"]), place, "adjust", refused.what)


def bars(blocks: DataStream, function: Bars) -> DataStream:
    """Rows (shard, kind, payload) -> frames, each under the shard that it is for."""
    return by_shard(blocks, function, "bars", function.number)
