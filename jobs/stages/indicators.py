"""Indicators: blocks of ticks and corporate actions of a shard -> bar frames and indicator frames.

In: rows (shard, kind, payload) of the kinds ticks, late and action, and the watermark. Out: frames of closed bars, and
of bars that a late record or an action changed; dead letters of what is older than the horizon. What is of another kind
passes. This file must not know how a bar is built, what a feature is, or how the past is rewound: see udfs/rewind.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, KeyedProcessFunction, RuntimeContext

from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.envelope import ACTION, ENVELOPE, LATE, TICKS, envelope
from jobs.runtime.keyed import KeyedBytes
from jobs.runtime.metrics import Counts
from schemas.settings import State, parse_duration
from udfs import packing
from udfs.frame import Frame
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.rewind import BeyondHorizon, Shard
from udfs.ticks import Ticks


class Indicators(KeyedProcessFunction):
    """One Shard per key: the log is keyed state, the live arrays are this object's.

    price and action make the dead letters of what is refused; without them a refusal fails the job. known: corporate
    actions that hold from the start.
    """

    def __init__(
        self,
        interval: str,
        state: State,
        price: DeadLetters | None = None,
        action: DeadLetters | None = None,
        known: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.interval, self.price, self.action, self.known = interval, price, action, known
        self.horizon = Horizon(state.horizon_bars, state.anchor_bars, state.tick_horizon_bars)

    def open(self, context: RuntimeContext) -> None:
        """Warm the plan, bind the state."""
        self.plan = Plan(self.interval)
        self.log = KeyedBytes(context, "log")
        self.shards: dict[int, Shard] = {}
        self.counts = Counts(context, self.shards)

    def process_element(self, row: Row, context: KeyedProcessFunction.Context) -> Iterator[Row]:
        """Ticks, late ticks and actions change the shard; anything else passes."""
        number, kind, payload = row
        if kind not in (TICKS, LATE, ACTION):
            self.counts.dead()
            yield row
            return
        shard = self._shard(number)
        try:
            take = {TICKS: self._ticks, LATE: self._late, ACTION: self._act}[kind]
            yield from map(envelope, take(shard, payload, context))
        except BeyondHorizon as refused:
            if kind == TICKS:  # settings are checked to make this impossible
                raise
            self.counts.dead()
            yield self._refuse(number, kind, payload, refused)

    def on_timer(self, timestamp: int, context: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """The watermark passed the end of a bar."""
        yield from map(envelope, self._shard(context.get_current_key()).close((timestamp + 1) * 1000))

    def _shard(self, number: int) -> Shard:
        if number not in self.shards:
            self.shards[number] = Shard(number, self.plan, parse_duration(self.interval), self.log, self.horizon)
            for action in self.known:
                self.shards[number].act(action)
        return self.shards[number]

    def _ticks(self, shard: Shard, payload: bytes, context: KeyedProcessFunction.Context) -> list[Frame]:
        ends, frames = shard.accept(Ticks.unpack(payload), bytes(payload))
        for end in ends:
            context.timer_service().register_event_time_timer(end // 1000 - 1)
        return frames

    def _late(self, shard: Shard, payload: bytes, context: KeyedProcessFunction.Context) -> list[Frame]:
        _, arrays = packing.unpack(payload)
        return self._ticks(shard, arrays["ticks"].tobytes(), context)

    def _act(self, shard: Shard, payload: bytes, _: KeyedProcessFunction.Context) -> list[Frame]:
        return shard.act(json.loads(payload)["action"])

    def _refuse(self, number: int, kind: str, payload: bytes, refused: BeyondHorizon) -> Row:
        if kind == LATE:
            place, arrays = packing.unpack(payload)
            return self.price.envelope(number, arrays["raw"].tobytes(), place, "beyond_horizon", "order", refused.what)
        place = json.loads(payload)
        raw = bytes.fromhex(place["raw"])
        return self.action.envelope(number, raw, place, "beyond_horizon", "adjust", refused.what)


def indicators(blocks: DataStream, function: Indicators) -> DataStream:
    """Rows (shard, kind, payload) -> frames."""
    keyed = blocks.key_by(lambda row: row[0], key_type=Types.INT())
    return keyed.process(function, output_type=ENVELOPE).uid("features.indicators").name("indicators")
