"""The whole way from ticks to features in one process: the shards of every stage, and no engine between them.

In: ticks, corporate actions, the passing of event time, in any order. Out: the frames that a job would emit. It is the
job's own code; what Flink adds (transport, timers, checkpoints) is left out. This file must not know Flink.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np

from schemas.settings import settings
from udfs.cross import Universe
from udfs.frame import BARS, INDICATORS, MOVED, PATHS, Frame
from udfs.intervals import Intervals
from udfs.log import DEFAULT, BeyondHorizon, Horizon, Record
from udfs.plan import Plan
from udfs.registry import Feature
from udfs.tick_shard import TickShard
from udfs.ticks import Ticks, shard_of

Stores = defaultdict[str, dict[str, bytes]]


class Simulation:
    """All shards of all stages; rollups: longer intervals beside the first one; factors: rows across the universe.

    stores: what they keep, by stage and shard; a new Simulation over it is a restore.
    """

    def __init__(
        self, interval_us: int, plan: Plan | None = None, *, interval: str = "1m", shards: int = 2,
        horizon: Horizon = DEFAULT, features: Sequence[Feature] = (), stores: Stores | None = None,
        rollups: Sequence[str] = (), calendar: str = "24/7", factors: Sequence[Feature] = (),
    ) -> None:  # fmt: skip
        self.plan = plan or Plan(interval, features, calendar)
        plans = [self.plan, *map(self.plan.at, rollups)]
        self.shards, self.interval_us, self.interval = shards, interval_us, self.plan.interval
        self.stores: Stores = defaultdict(dict) if stores is None else stores
        self.features = [
            Intervals(i, plans, interval_us, self.stores[f"features/{i}"], horizon, calendar) for i in range(shards)
        ]
        self.universes = {plan.interval: self._universe(plan.interval, horizon, calendar) for plan in plans}
        watched = self.universes[self.interval][0].columns.watched
        self.ticks = [
            TickShard(i, shards, interval_us, self.stores[f"ticks/{i}"], horizon, calendar, watched)
            for i in range(shards)
        ]
        self.factors: list[Intervals] = []
        if factors:
            looking = [Plan(each.interval, factors, calendar) for each in plans]
            self.factors.append(Intervals(0, looking, interval_us, self.stores["factors"], horizon, calendar))
        self.refused = 0

    def _universe(self, interval: str, horizon: Horizon, calendar: str) -> list[Universe]:
        """All tiles."""
        stores = [self.stores[f"universe/{interval}/{i}"] for i in range(settings().cross_asset.tiles)]
        return [
            Universe(store, self.interval_us, horizon, interval, tile=i, calendar=calendar)
            for i, store in enumerate(stores)
        ]

    def hear_ticks(self, ticks: Ticks) -> None:
        """Records of any symbols and times."""
        owner = np.array([shard_of(name, self.shards) for name in ticks.symbols], "i8")[ticks.code]
        for i in np.unique(owner).tolist():
            _, refused = self.ticks[i].accept(ticks.take(owner == i))
            self.refused += int(refused.sum())

    def hear_action(self, record: Record) -> list[Frame]:
        """A corporate action, for every shard of both stages."""
        moved = []
        for ticks, features in zip(self.ticks, self.features, strict=True):
            try:
                moved += ticks.act(record)
                for shard in (features, *self.factors):
                    shard.act(record)
                for universe in (of for tiles in self.universes.values() for of in tiles):
                    universe.act(record)
            except BeyondHorizon:
                self.refused += ticks.owns(str(record["symbol"]))
        return self._route(moved)

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until`, microseconds UTC."""
        bars = [frame for shard in self.ticks for frame in shard.advance(until)]
        emitted = self._route(bars)
        rows = [frame for shard in (*self.features, *self.factors) for frame in shard.advance(until)]
        emitted += self._route(rows)
        return emitted + [frame for tiles in self.universes.values() for of in tiles for frame in of.advance(until)]

    def amend(self) -> list[Frame]:
        """Apply all that was heard of the past."""
        emitted = self._route([frame for shard in self.ticks for frame in shard.amend()])
        emitted += self._route([frame for shard in (*self.features, *self.factors) for frame in shard.amend()])
        return emitted + [frame for tiles in self.universes.values() for of in tiles for frame in of.amend()]

    def finish(self) -> list[Frame]:
        """The end of the tape: every bar closes, every change is applied."""
        last = max((end for shard in self.ticks for end in shard.chunks), default=0)
        frames = self.advance(last)
        windows = (window for shard in self.features for of in shard.rolled for window in of.open)
        return frames + self.advance(max(windows, default=last)) + self.amend()

    def _route(self, frames: Iterable[Frame]) -> list[Frame]:
        """Hand frames to the stage that reads them; those that leave the job."""
        emitted = []
        for frame in frames:
            if frame.view in (BARS, MOVED) and frame.interval == self.interval:
                for shard in (self.features[frame.shard], *self.factors):
                    shard.hear(frame)
            elif frame.view == INDICATORS:
                for tile in self.universes[frame.interval]:
                    tile.hear(frame)
            elif frame.view == PATHS:
                self.universes[self.interval][0].hear(frame)
            if frame.view not in (MOVED, PATHS):
                emitted.append(frame)
        return emitted
