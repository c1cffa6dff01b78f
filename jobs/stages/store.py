"""Store: feature frames -> packed vectors in the online store, then onwards. Freshness waits for no checkpoint."""

import time
from collections.abc import Iterator

from pyflink.common import Row
from pyflink.datastream import DataStream, FlatMapFunction, RuntimeContext

from feature_repo.stores import open_store
from feature_repo.views import layout
from jobs.runtime.envelope import ENVELOPE
from udfs.frame import CROSS_ASSET, INDICATORS, Frame
from udfs.routing import MOVE


class WriteVectors(FlatMapFunction):
    """Writes each feature frame under the fence of its view and shard; a frame goes on only when it is stored."""

    def __init__(self, url: str, project: str, interval: str) -> None:
        self.url, self.project, self.interval = url, project, interval

    def open(self, context: RuntimeContext) -> None:
        """Connect; a shard is opened with its first frame."""
        self.store = open_store(self.url)
        self.fences: dict[tuple[str, str], tuple[int, int]] = {}
        self.newest: dict[tuple[str, str], int] = {}

    def flat_map(self, row: Row) -> Iterator[Row]:
        """One frame: its vectors, and for removed rows a vector without values."""
        if row[1] in (INDICATORS, CROSS_ASSET):
            self._write(Frame.unpack(row[2]))
        yield row

    def _write(self, frame: Frame) -> None:
        view, shard = f"{frame.view}_{self.interval}", str(frame.shard)
        whole = frame.complete()
        rows = [i for i, name in enumerate(whole.symbols) if self._is_newest(view, name, frame.event_time)]
        if not rows:
            return
        whole, fence, of = whole.part(rows), self._fence(view, shard, frame.revision // MOVE), layout(view)
        strings = [[text or None for text in whole.strings[name]] for name, _ in of.texts]
        created_us = time.time_ns() // 1000
        vectors = of.pack(frame.event_time, fence, frame.revision, created_us, whole.values, strings)
        self.store.write(self.project, view, whole.symbols, vectors, shard=shard, fence=fence)

    def _is_newest(self, view: str, symbol: str, event_time: int) -> bool:
        """Whether this writer has not yet written a later time; the store would refuse it, which costs as much."""
        newest = max(event_time, self.newest.get((view, symbol), event_time))
        self.newest[view, symbol] = newest
        return newest == event_time

    def _fence(self, view: str, shard: str, moves: int) -> int:
        """The shard's fence; a new one for a bar that moved here, so that it goes before what the old shard wrote."""
        if self.fences.get((view, shard), (-1, 0))[0] < moves:
            self.fences[view, shard] = moves, self.store.fence(self.project, view, shard)
        return self.fences[view, shard][1]


def store(frames: DataStream, function: WriteVectors, name: str) -> DataStream:
    """Frames -> the same frames, stored."""
    return frames.flat_map(function, output_type=ENVELOPE).uid(f"features.{name}").name(name)
