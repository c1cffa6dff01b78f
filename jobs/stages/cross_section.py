"""Cross-section: the indicator frames of all shards -> one cross-asset frame a bar time."""

from collections.abc import Iterator

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, RuntimeContext, TimerService

from jobs.runtime.envelope import ENVELOPE
from jobs.runtime.shards import Shards, remind
from schemas.settings import parse_duration
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame

TILE = 0  # one universe, one tile; a larger one is cut into row blocks


class CrossSection(Shards[Universe]):
    """The Universe of a tile: its ring of returns is keyed state."""

    def __init__(self, interval: str, horizon_bars: int) -> None:
        self.interval_us, self.horizon_bars = parse_duration(interval), horizon_bars

    def open(self, context: RuntimeContext) -> None:
        """Bind the state; count the frames that are older than the ring."""
        super().open(context)
        group = context.get_metrics_group().add_group("tickloom")
        group.gauge("cross_asset_refused", self._refused)

    def _refused(self) -> int:
        return sum(universe.log.meta.get("refused", 0) for universe in self.shards.values())

    def make(self, number: int) -> Universe:
        """The tile."""
        return Universe(self.store, self.interval_us, self.horizon_bars)

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
