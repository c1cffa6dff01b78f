"""Cross-section: the indicator frames of all shards -> frames of members, universe and pairs, a bar time and interval.

Each interval has as many keys as there are tiles; every one hears all frames, and gives the rows of its own members.
The trades of the pairs' tickers inside a bar are for the key that tells of pairs, of the shortest interval.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.envelope import ACTION, ENVELOPE, restored
from jobs.runtime.shards import Shards, by_shard, remind
from schemas.settings import Settings, parse_duration
from udfs.cross import Universe
from udfs.frame import INDICATORS, PATHS, Frame
from udfs.log import Horizon
from udfs.panel.asynchronous import warm
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel

HEARD = (INDICATORS, PATHS, ACTION)


class CrossSection(Shards[Universe]):
    """The Universe of each interval and tile: its ring of returns is keyed state; the shortest interval comes first.

    known: actions from the start.
    """

    def __init__(
        self, intervals: Sequence[str], settings: Settings, known: Sequence[Mapping[str, Any]] = ()
    ) -> None:  # fmt: skip
        self.intervals, self.of, self.known = tuple(intervals), settings.cross_asset, known
        self.calendar = settings.bars.calendar
        self.interval_us, self.horizon = parse_duration(intervals[0]), Horizon(settings.state.horizon_bars)

    def open(self, context: RuntimeContext) -> None:
        """Compile before the first window is full, which is in the middle of the day."""
        super().open(context)
        columns, returns = Columns(self.of), np.random.default_rng(0).normal(size=(2 * min(self.of.windows), 3))
        none = np.full((len(returns), len(columns.benchmarks)), -1), np.full((len(returns), len(columns.pairs), 2), -1)
        Panel(columns, np.empty((0, 3)), -1).advance(returns, *none)
        if columns.pairs:
            warm()

    def make(self, number: int) -> Universe:
        """The universe by bars of an interval, one tile of it."""
        interval, tile = divmod(number, self.of.tiles)
        with self.store.read_whole():
            universe = Universe(
                self.store, self.interval_us, self.horizon, self.intervals[interval],
                of=self.of, tile=tile, calendar=self.calendar,
            )  # fmt: skip
        for action in self.known:
            universe.act(action)
        return universe

    def restored(self, shard: Universe) -> Iterator[Row]:
        """The clock of its interval."""
        yield restored(shard.tile, {shard.interval: shard.clock})

    def take(self, shard: Universe, row: Row, timers: TimerService) -> Iterator[Row]:
        """A shard's frame, or an action."""
        if row[1] == ACTION:
            shard.act(json.loads(row[2])["action"])
        elif (end := shard.hear(Frame.unpack(row[2]), bytes(row[2]))) is not None:
            remind(timers, end)
        yield from ()

    def copies(self, row: Row) -> Iterator[Row]:
        """A frame for each tile of its interval, an action for all, paths for the very first, by their numbers."""
        if row[1] == PATHS:
            yield Row(0, row[1], row[2])
            return
        intervals = self.intervals if row[1] == ACTION else [Frame.unpack(row[2]).interval]
        for each in intervals:
            first = self.intervals.index(each) * self.of.tiles
            for number in range(first, first + self.of.tiles):
                yield Row(number, row[1], row[2])


def cross_section(frames: DataStream, function: CrossSection) -> DataStream:
    """Frames of any view, and actions -> frames across members."""
    heard = frames.filter(lambda row: row[1] in HEARD).flat_map(function.copies, output_type=ENVELOPE)
    return by_shard(heard, function, "cross_section", len(function.intervals) * function.of.tiles)
