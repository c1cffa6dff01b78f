"""Cross-section: the indicator frames of all shards -> one cross-asset frame a bar time."""

from collections.abc import Iterator

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, TimerService

from jobs.runtime.envelope import ENVELOPE
from jobs.runtime.shards import Shards, remind
from schemas.settings import Settings, parse_duration
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame
from udfs.log import Horizon

TILE = 0  # one universe, one tile; a larger one is cut into row blocks


class CrossSection(Shards[Universe]):
    """The Universe of a tile: its ring of returns is keyed state."""

    def __init__(self, interval: str, settings: Settings) -> None:
        self.interval_us, self.horizon = parse_duration(interval), Horizon(settings.state.horizon_bars)

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
    keyed = returns.key_by(lambda row: TILE, key_type=Types.INT())
    return keyed.process(function, output_type=ENVELOPE).uid("features.cross_section").name("cross_section")
