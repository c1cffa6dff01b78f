"""Cross-section: the indicator frames of all shards -> one cross-asset frame a bar time."""

from collections.abc import Iterator

from pyflink.common import Row, Types
from pyflink.datastream import DataStream, KeyedProcessFunction, RuntimeContext

from jobs.runtime.envelope import ENVELOPE, envelope
from jobs.runtime.keyed import KeyedBytes
from udfs.cross import Universe
from udfs.frame import INDICATORS, Frame

TILE = 0  # one universe, one tile; a larger one is cut into row blocks


class CrossSection(KeyedProcessFunction):
    """The Universe of a tile: its ring of returns is keyed state."""

    def __init__(self, horizon_bars: int) -> None:
        self.horizon_bars = horizon_bars

    def open(self, context: RuntimeContext) -> None:
        """Bind the state, which is read with the first frame; count the frames that are older than the ring."""
        self.log = KeyedBytes(context, "returns")
        self.universe: Universe | None = None
        group = context.get_metrics_group().add_group("tickloom")
        group.gauge("cross_asset_refused", lambda: self.universe.meta["refused"] if self.universe else 0)

    def process_element(self, row: Row, context: KeyedProcessFunction.Context) -> Iterator[Row]:
        """A frame on time waits for its time, a late one amends."""
        frame = Frame.unpack(row[2])
        universe = self._universe()
        yield from map(envelope, universe.accept(frame))
        if frame.event_time in universe.waiting:
            context.timer_service().register_event_time_timer(frame.event_time // 1000 - 1)

    def on_timer(self, timestamp: int, context: KeyedProcessFunction.OnTimerContext) -> Iterator[Row]:
        """The watermark passed a bar time: every shard's frame is here."""
        yield from map(envelope, self._universe().close((timestamp + 1) * 1000))

    def _universe(self) -> Universe:
        if self.universe is None:
            self.universe = Universe(self.log, self.horizon_bars)
        return self.universe


def cross_section(frames: DataStream, function: CrossSection) -> DataStream:
    """Frames of any view -> cross-asset frames."""
    returns = frames.filter(lambda row: row[1] == INDICATORS)
    keyed = returns.key_by(lambda row: TILE, key_type=Types.INT())
    return keyed.process(function, output_type=ENVELOPE).uid("features.cross_section").name("cross_section")
