"""Cross-section: the indicator frames of all shards -> frames of members, universe and pairs, a bar time and interval.

Each interval has as many keys as there are tiles; every one hears all frames, and gives the rows of its own members.
The trades of the pairs' tickers inside a bar are for the key that tells of pairs, of the shortest interval.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.envelope import ENVELOPE
from jobs.runtime.shards import Shards, by_shard, remind
from schemas.settings import Settings, parse_duration
from udfs.cross import Universe
from udfs.frame import INDICATORS, PATHS, Frame
from udfs.log import Horizon
from udfs.panel.asynchronous import warm
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel


class CrossSection(Shards[Universe]):
    """The Universe of each interval and tile: its ring of returns is keyed state; the shortest interval comes first."""

    def __init__(self, intervals: Sequence[str], settings: Settings) -> None:
        self.intervals, self.of = tuple(intervals), settings.cross_asset
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
        return Universe(self.store, self.interval_us, self.horizon, self.intervals[interval], of=self.of, tile=tile)

    def take(self, shard: Universe, row: Row, timers: TimerService) -> Iterator[Row]:
        """A shard's frame."""
        if (end := shard.hear(Frame.unpack(row[2]))) is not None:
            remind(timers, end)
        yield from ()

    def copies(self, row: Row) -> Iterator[Row]:
        """The row for each tile of its interval, by its number; paths for the very first."""
        if row[1] == PATHS:
            yield Row(0, row[1], row[2])
            return
        interval, tiles = self.intervals.index(Frame.unpack(row[2]).interval), self.of.tiles
        for number in range(interval * tiles, (interval + 1) * tiles):
            yield Row(number, row[1], row[2])


def cross_section(frames: DataStream, function: CrossSection) -> DataStream:
    """Frames of any view -> frames across members."""
    heard = frames.filter(lambda row: row[1] in (INDICATORS, PATHS)).flat_map(function.copies, output_type=ENVELOPE)
    return by_shard(heard, function, "cross_section", len(function.intervals) * function.of.tiles)
