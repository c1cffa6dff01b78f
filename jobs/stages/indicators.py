"""Indicators: bar frames and corporate actions -> indicator frames.

In: rows (shard, kind, payload) of the kinds bars, moved and action. Out: frames of closed bar times, and of those that
a change of the past changed. Bars, and what is of another kind, pass. This file must not know what a
feature is, or how the past is rewound: see udfs/feature_shard.py.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.envelope import ACTION
from jobs.runtime.shards import Shards, by_shard, remind
from schemas.errors import ConfigError
from schemas.settings import Settings, parse_duration
from udfs.feature_shard import FeatureShard
from udfs.frame import BARS, MOVED, Frame
from udfs.log import Horizon
from udfs.plan import Plan


class Indicators(Shards[FeatureShard]):
    """One FeatureShard per key; known: corporate actions that hold from the start."""

    def __init__(self, interval: str, settings: Settings, known: Sequence[Mapping[str, Any]] = ()) -> None:
        self.interval, self.known, self.number = interval, known, settings.state.shards
        self.horizon = Horizon(settings.state.horizon_bars, settings.state.anchor_bars)
        self.calendar = settings.actions.calendar
        self.digest = Plan(interval, calendar=self.calendar).digest()

    def open(self, context: RuntimeContext) -> None:
        """Warm the plan, bind the state."""
        super().open(context)
        self.plan = Plan(self.interval, calendar=self.calendar)
        if self.plan.digest() != self.digest:
            what = "this worker computes other features than the job was submitted with"
            raise ConfigError(what, hint="set features.packs in the stack's settings file, not for one shell")

    def make(self, number: int) -> FeatureShard:
        """The shard of these securities."""
        shard = FeatureShard(number, self.plan, parse_duration(self.interval), self.store, self.horizon, self.calendar)
        for action in self.known:
            shard.act(action)
        return shard

    def take(self, shard: FeatureShard, row: Row, timers: TimerService) -> Iterator[Row]:
        """A frame of bars, an action, or what passes."""
        _, kind, payload = row
        if kind in (BARS, MOVED):
            if (end := shard.hear(Frame.unpack(payload))) is not None:
                remind(timers, end)
        elif kind == ACTION:
            shard.act(json.loads(payload)["action"])
        if kind not in (MOVED, ACTION):
            yield row


def indicators(frames: DataStream, function: Indicators) -> DataStream:
    """Frames of bars -> the same, and frames of indicators."""
    return by_shard(frames, function, "indicators", function.number)
