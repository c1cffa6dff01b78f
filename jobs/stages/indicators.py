"""Indicators: bar frames and corporate actions -> indicator frames; and factors, which look across the universe.

In: rows (shard, kind, payload) of the kinds bars, moved and action. Out: frames of closed bar times, and of those that
a change of the past changed. Bars, and what is of another kind, pass the indicators. Factors are the same operator
with other rows, and one key that holds all securities. This file must not know what a feature is, or how the past is
rewound: see udfs/feature_shard.py.
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
from udfs.catalogue import chosen
from udfs.feature_shard import FeatureShard
from udfs.frame import BARS, MOVED, Frame
from udfs.log import Horizon
from udfs.plan import Plan

UNIVERSE = 0  # one universe, one shard


class Indicators(Shards[FeatureShard]):
    """One FeatureShard per key; known: corporate actions that hold from the start; across: of the factors."""

    def __init__(
        self, interval: str, settings: Settings, known: Sequence[Mapping[str, Any]] = (), *, across: bool = False
    ) -> None:
        self.interval, self.known, self.across = interval, known, across
        self.number = 1 if across else settings.state.shards
        self.horizon = Horizon(settings.state.horizon_bars, settings.state.anchor_bars)
        self.calendar, self.digest = settings.actions.calendar, Plan(interval, chosen(across=across)).digest()

    def open(self, context: RuntimeContext) -> None:
        """Warm the plan, bind the state."""
        super().open(context)
        self.plan = Plan(self.interval, chosen(across=self.across))
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
        if kind not in (MOVED, ACTION) and not self.across:
            yield row


def indicators(frames: DataStream, function: Indicators) -> DataStream:
    """Frames of bars -> the same, and frames of indicators."""
    return by_shard(frames, function, "indicators", function.number)


def factors(frames: DataStream, function: Indicators) -> DataStream:
    """Frames of bars -> frames of factors, and nothing else."""
    heard = frames.filter(lambda row: row[1] in (BARS, MOVED, ACTION))
    return by_shard(heard, function, "factors", function.number, of=lambda row: UNIVERSE)
