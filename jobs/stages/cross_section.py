"""Cross-section: the indicator frames of all shards -> one cross-asset frame a bar time."""

from collections.abc import Iterator

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.shards import Shards, by_shard, remind
from schemas.settings import Settings, parse_duration
from udfs.correlation import cross_section as correlate
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame
from udfs.log import Horizon

TILE = 0  # one universe, one tile; a larger one is cut into row blocks


class CrossSection(Shards[Universe]):
    """The Universe of a tile: its ring of returns is keyed state."""

    def __init__(self, interval: str, settings: Settings) -> None:
        self.interval_us, self.horizon = parse_duration(interval), Horizon(settings.state.horizon_bars)

    def open(self, context: RuntimeContext) -> None:
        """Compile before the first window is full, which is in the middle of the day."""
        super().open(context)
        correlate(np.zeros((2, 1)))

    def make(self, number: int) -> Universe:
        """The tile."""
        return Universe(self.store, self.interval_us, self.horizon)

    def take(self, shard: Universe, row: Row, timers: TimerService) -> Iterator[Row]:
        """A shard's frame."""
        if (end := shard.hear(Frame.unpack(row[2]))) is not None:
            remind(timers, end)
        yield from ()


def cross_section(frames: DataStream, function: CrossSection) -> DataStream:
    """Frames of any view -> cross-asset frames."""
    returns = frames.filter(lambda row: row[1] == INDICATORS)
    return by_shard(returns, function, "cross_section", 1, of=lambda row: TILE)
