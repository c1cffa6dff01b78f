"""Cross-section: the indicator frames of all shards -> one cross-asset frame a bar time and interval."""

from collections.abc import Iterator, Sequence

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.shards import Shards, by_shard, remind
from schemas.settings import Settings, parse_duration
from udfs.correlation import cross_section as correlate
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame
from udfs.log import Horizon


class CrossSection(Shards[Universe]):
    """The Universe of each interval: its ring of returns is keyed state; the shortest interval comes first."""

    def __init__(self, intervals: Sequence[str], settings: Settings) -> None:
        self.intervals = tuple(intervals)
        self.interval_us, self.horizon = parse_duration(intervals[0]), Horizon(settings.state.horizon_bars)

    def open(self, context: RuntimeContext) -> None:
        """Compile before the first window is full, which is in the middle of the day."""
        super().open(context)
        correlate(np.zeros((2, 1)))

    def make(self, number: int) -> Universe:
        """The universe by bars of an interval."""
        return Universe(self.store, self.interval_us, self.horizon, self.intervals[number])

    def take(self, shard: Universe, row: Row, timers: TimerService) -> Iterator[Row]:
        """A shard's frame."""
        if (end := shard.hear(Frame.unpack(row[2]))) is not None:
            remind(timers, end)
        yield from ()


def cross_section(frames: DataStream, function: CrossSection) -> DataStream:
    """Frames of any view -> cross-asset frames."""
    intervals = function.intervals
    returns = frames.filter(lambda row: row[1] == INDICATORS)
    return by_shard(
        returns, function, "cross_section", len(intervals), lambda row: intervals.index(Frame.unpack(row[2]).interval)
    )
