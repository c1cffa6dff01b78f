"""Store: feature frames -> packed vectors in the online store, then onwards. Freshness waits for no checkpoint.

A store that has forgotten (emptied, or an older copy in the place of the one that failed) is noticed with the next
write, and filled again: with what is committed in Kafka, then with what this writer has written since.

Vectors are written before the checkpoint that commits their frames. Those of an attempt that a crash has undone are
written again; one that has no successor, because its trade is now cancelled in time, or refused as too late, loses its
values once the bars after it are there.
"""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from pyflink.common import Row
from pyflink.datastream import DataStream, FlatMapFunction, RuntimeContext

from feature_repo.stores import Forgotten, open_store
from feature_repo.views import layout, vectors
from jobs.runtime.envelope import ENVELOPE, RESTORED
from jobs.runtime.metrics import Histogram
from jobs.runtime.rebuild import COMMITTED, rebuild
from schemas.settings import Settings, adopt, computed, parse_duration
from udfs.frame import FEATURE_VIEWS, Frame
from udfs.log import NEVER
from udfs.routing import MOVE

BOUNDS_MS = (10, 20, 40, 60, 80, 100, 120, 160, 200, 300, 400, 600, 1000, 2000, 5000, 10_000, 60_000)
UNDONE = -1
"""Revision of a vector that stands for one that was undone: under the same fence a real row goes before it."""
log = logging.getLogger(__name__)


class Written(NamedTuple):
    """An entity's newest vector of this writer, and the shard under which it was written."""

    event_time: int
    shard: str
    vector: bytes


class WriteVectors(FlatMapFunction):
    """Writes each feature frame under the fence of its view and shard; a frame goes on only when it is stored.

    url: of the store. Metrics: `freshness_ms`, a histogram by view from the end of the bar, plus the allowed
    lateness, to when its features can be read; `rebuilds`, how often the store had to be filled again.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        self.url, self.settings, self.computed = url, settings, computed(settings)
        self.submitted_us = time.time_ns() // 1000  # the fences of this job's attempts are higher
        self.project, self.lateness_us = settings.store.project, parse_duration(settings.bars.lateness)

    def open(self, context: RuntimeContext) -> None:
        """Connect; a shard is opened with its first frame."""
        adopt(self.computed)
        self.store = open_store(self.url)
        self.fences: dict[tuple[str, str], tuple[int, int]] = {}
        self.written: dict[str, dict[str, Written]] = {}
        self.restored: dict[tuple[str, str], int] = {}
        self.undone: dict[tuple[str, str], dict[str, int]] = {}
        self.group = context.get_metrics_group().add_group("tickloom")
        self.freshness: dict[str, Histogram] = {}
        self.rebuilds = self.group.counter("rebuilds")

    def flat_map(self, row: Row) -> Iterator[Row]:
        """One frame: its vectors, and for removed rows a vector without values; or the clocks of a restored shard."""
        if row[1] == RESTORED:
            self.restored |= {(interval, str(row[0])): clock for interval, clock in json.loads(row[2]).items()}
            return
        if row[1] in FEATURE_VIEWS:
            self._write(Frame.unpack(row[2]))
        yield row

    def _write(self, frame: Frame) -> None:
        view, shard = frame.feature_view, str(frame.shard)
        written = self.written.setdefault(view, {})
        whole = frame.complete()
        # a writer's own older rows are left out: the store would refuse them, which costs as much as writing
        newest = [written.get(name) for name in whole.symbols]
        rows = [i for i, last in enumerate(newest) if last is None or last.event_time <= frame.event_time]
        if not rows:
            return
        whole, fence = whole.part(rows), self._fence(whole)
        new: dict[str, Written] = {}
        for each in [whole, *self._passed(whole)]:
            packed = vectors(view, each, fence, time.time_ns() // 1000)
            rows = zip(each.symbols, packed, strict=True)
            new |= {symbol: Written(each.event_time, shard, vector) for symbol, vector in rows}
        written |= new
        self._put(view, shard, fence, new)
        if frame.revision == 0:
            self._observe(view, frame.event_time)

    def _passed(self, frame: Frame) -> list[Frame]:
        """Rows without values for what was undone and has no successor, now that the bars after it are there."""
        key = frame.feature_view, str(frame.shard)
        if not (undone := self.undone.get(key)):
            return []
        again = set(frame.symbols)
        left = {name: end for name, end in undone.items() if name not in again or end > frame.event_time}
        over = {name: end for name, end in left.items() if end < frame.event_time and not frame.revision}
        self.undone[key] = {name: end for name, end in left.items() if name not in over}
        if over:
            log.info("%s: undone by a crash, and not there again: %s", frame.feature_view, over)
        none = replace(frame.part([]), revision=UNDONE)
        return [replace(none, event_time=end, removed=[name]).complete() for name, end in over.items()]

    def _fence(self, frame: Frame) -> int:
        """The shard's fence; a new one for a bar that moved here, so that it goes before what the old shard wrote."""
        view, shard, moves = frame.feature_view, str(frame.shard), frame.revision // MOVE
        if self.fences.get((view, shard), (-1, 0))[0] < moves:
            first = (view, shard) not in self.fences
            if not first:
                self._check(view, shard)
            known = self.store.opened(self.project, view, shard)
            fence = self.store.fence(self.project, view, shard)
            if first:
                since = self.restored.get((frame.interval, shard), NEVER)
                fences = range(self.submitted_us if since == NEVER else COMMITTED + 1, fence)
                self.undone[view, shard] = self.store.undone(self.project, view, shard, since=since, fences=fences)
            self.fences[view, shard] = moves, fence
            self.store.describe(self.project, layout(view))
            if not known:
                self._restore(view)
        return self.fences[view, shard][1]

    def _check(self, view: str, shard: str) -> None:
        """Notice a store that has forgotten before a new fence makes it look well: write once more what it holds."""
        held = next(((name, last) for name, last in self.written[view].items() if last.shard == shard), None)
        if held:
            self._put(view, shard, self.fences[view, shard][1], dict([held]))

    def _put(self, view: str, shard: str, fence: int, new: dict[str, Written]) -> None:
        """Write these vectors; a store that has forgotten is filled again."""
        try:
            packed = [each.vector for each in new.values()]
            self.store.write(self.project, view, list(new), packed, shard=shard, fence=fence)
        except Forgotten as forgotten:
            log.warning("%s", forgotten)
            self._fill(view)

    def _fill(self, view: str) -> None:
        """Write again all that the view should hold, each shard under a new fence."""
        self.rebuilds.inc()
        by_shard: dict[str, dict[str, bytes]] = {}
        for symbol, last in self.written[view].items():
            by_shard.setdefault(last.shard, {})[symbol] = last.vector
        for (of, shard), (moves, _) in list(self.fences.items()):
            if of == view:
                fence = self.store.fence(self.project, view, shard)
                self.fences[view, shard] = moves, fence
                kept = by_shard.get(shard, {})
                self.store.write(self.project, view, list(kept), [*kept.values()], shard=shard, fence=fence)
        self._restore(view)

    def _restore(self, view: str) -> None:
        """What is committed, where it is newer than what is there."""
        rebuild(self.store, self.project, view, self.settings.kafka, self.settings.registry.url, "features")

    def _observe(self, view: str, event_time_us: int) -> None:
        if view not in self.freshness:
            self.freshness[view] = Histogram(self.group, "freshness_ms", BOUNDS_MS, view=view)
        self.freshness[view].observe((time.time_ns() // 1000 - event_time_us - self.lateness_us) / 1000)


def store(frames: DataStream, function: WriteVectors, name: str) -> DataStream:
    """Frames -> the same frames, stored."""
    return frames.flat_map(function, output_type=ENVELOPE).uid(f"features.{name}").name(name)
