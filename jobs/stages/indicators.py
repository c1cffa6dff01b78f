"""Indicators: bar frames and corporate actions -> indicator frames; and factors, which look across the universe.

In: rows (shard, kind, payload) of the kinds bars, moved and action. Out: frames of closed bar times, and of those that
a change of the past changed, of every interval; rolled bars. Bars, and what is of another kind, pass the indicators.
Factors are the same operator with other rows, and one key that holds all securities. This file must not know what a
feature is, or how the past is rewound and bars are rolled up: see udfs/intervals.py.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.envelope import ACTION, restored
from jobs.runtime.shards import Shards, by_shard, remind
from schemas.errors import ConfigError
from schemas.settings import Settings, adopt, computed, parse_duration
from udfs.catalogue import chosen
from udfs.frame import BARS, MOVED, Frame
from udfs.intervals import Intervals
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.sessions import DAY_US, ex_time

UNIVERSE = 0  # one universe, one shard


class Indicators(Shards[Intervals]):
    """One Intervals per key; intervals: of the bars that come, then longer ones; known: actions from the start.

    across: of the factors. DataError for a calendar that is unknown, if bars are rolled up by it.
    """

    def __init__(
        self, intervals: Sequence[str], settings: Settings, known: Sequence[Mapping[str, Any]] = (), *,
        across: bool = False,
    ) -> None:  # fmt: skip
        self.intervals, self.known, self.across = tuple(intervals), known, across
        self.number = 1 if across else settings.state.shards
        self.horizon = Horizon(settings.state.horizon_bars, settings.state.anchor_bars)
        self.calendar, self.computed = settings.bars.calendar, computed(settings)
        self.digests = [plan.digest() for plan in self._plans()]
        self._read_calendar()

    def open(self, context: RuntimeContext) -> None:
        """Warm the plan, bind the state."""
        super().open(context)
        adopt(self.computed)
        self._read_calendar()  # takes a second, which no bar should wait for
        self.plans = self._plans()
        if [plan.digest() for plan in self.plans] != self.digests:
            what = "this worker computes other features than the job was submitted with"
            raise ConfigError(what, hint="a package of your own must be the same on every machine")

    def make(self, number: int) -> Intervals:
        """The shard of these securities."""
        width = parse_duration(self.intervals[0])
        with self.store.read_whole():
            shard = Intervals(number, self.plans, width, self.store, self.horizon, self.calendar)
        for action in self.known:
            shard.act(action)
        return shard

    def restored(self, shard: Intervals) -> Iterator[Row]:
        """The clock of each interval."""
        yield restored(shard.base.shard, {of.plan.interval: of.clock for of in shard.shards})

    def take(self, shard: Intervals, row: Row, timers: TimerService) -> Iterator[Row]:
        """A frame of bars, an action, or what passes."""
        _, kind, payload = row
        if kind in (BARS, MOVED):
            for end in shard.hear(Frame.unpack(payload), bytes(payload)):
                remind(timers, end)
        elif kind == ACTION:
            shard.act(json.loads(payload)["action"])
        if not self.across and kind != MOVED and (kind != ACTION or row[0] == 0):  # each shard is told of an action
            yield row

    def _read_calendar(self) -> None:
        if len(self.intervals) > 1:
            ex_time(time.time_ns() // 1000 // DAY_US, self.calendar)

    def _plans(self) -> list[Plan]:
        return [Plan(each, chosen(across=self.across), self.calendar) for each in self.intervals]


def indicators(frames: DataStream, function: Indicators) -> DataStream:
    """Frames of bars -> the same, and frames of indicators."""
    return by_shard(frames, function, "indicators", function.number)


def factors(frames: DataStream, function: Indicators) -> DataStream:
    """Frames of bars -> frames of factors, and nothing else."""
    heard = frames.filter(lambda row: row[1] in (BARS, MOVED, ACTION))
    return by_shard(heard, function, "factors", function.number, of=lambda row: UNIVERSE)
