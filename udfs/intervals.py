"""The features of a shard of securities by bars of every interval: those that are heard, and others rolled up of them.

In and out as feature_shard.py has it; a frame says of which interval it is. This file must not know how a bar is
rolled up, or what is computed of it.
"""

from collections.abc import Iterator, MutableMapping, Sequence

from schemas.errors import StateError
from schemas.settings import parse_duration
from udfs.feature_shard import FeatureShard
from udfs.frame import BARS, MOVED, Frame
from udfs.log import DEFAULT, NEVER, Horizon, Log, Record
from udfs.plan import Plan
from udfs.rolled_shard import RolledShard
from udfs.rollup import finer


class Intervals:
    """One shard a plan, the first for the bars that are heard; each of the others reads the log of a finer one.

    What each keeps lies in `store` under `<interval>/`, that of the first without.
    """

    def __init__(
        self, shard: int, plans: Sequence[Plan], interval_us: int, store: MutableMapping[str, bytes],
        horizon: Horizon = DEFAULT, calendar: str = "24/7",
    ) -> None:  # fmt: skip
        first, *others = sorted(plans, key=lambda plan: parse_duration(plan.interval))
        self.base = FeatureShard(shard, first, interval_us, store, horizon, calendar)
        shards = {first.interval: self.base}
        self.rolled: list[RolledShard] = []
        for plan in others:
            source = shards[finer(plan.interval, shards)]
            self.rolled.append(RolledShard(source, plan, Part(store, f"{plan.interval}/")))
            shards[plan.interval] = self.rolled[-1]
        self.shards: list[FeatureShard] = [self.base, *self.rolled]
        self._check()
        for i, of in enumerate(self.shards):
            for end in [*of.log.times, *of.waiting]:
                self._expect(end, self.rolled[i:])

    @property
    def logs(self) -> list[Log]:
        """What is kept, of each interval."""
        return [of.log for of in self.shards]

    @property
    def dirty(self) -> bool:
        """Whether changes of the past wait for `amend`."""
        return self.base.dirty

    def hear(self, frame: Frame, packed: bytes = b"") -> list[int]:
        """Take a frame of bars, which may be at hand as bytes; the times to be reminded at."""
        end = self.base.hear(frame, packed)
        return [*([] if end is None else [end]), *self._expect(frame.event_time, self.rolled)]

    def act(self, record: Record) -> None:
        """Take a corporate action; it waits."""
        self.base.act(record)

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until`: the frames of all bars that end by then, of whatever interval.

        Step by step, so that no log forgets what a window that is about to close still needs.
        """
        stops = {window for of in self.rolled for window in of.open}
        news = self.base.news.records and self.base.due(until)
        frames = self.amend() if news or self.base.overdue(until) else []
        for stop in [*sorted(stop for stop in stops if stop < until), until]:
            frames += [frame for of in self.shards for frame in self._told(of.advance(stop))]
        return frames

    def amend(self) -> list[Frame]:
        """Apply what was heard of the past, to the bars of every interval."""
        return [frame for of in self.shards for frame in self._told(of.amend())]

    def _told(self, frames: list[Frame]) -> list[Frame]:
        """Rolled bars are for others, too; those of factors are told by the indicators."""
        return [frame for frame in frames if frame.view not in (BARS, MOVED) or not self.base.plan.across]

    def _check(self) -> None:
        """StateError if what is kept is of other intervals."""
        kept = {kind for kind, _ in self.base.log.places() if len(kind) > 1}
        wanted = {of.plan.interval for of in self.rolled}
        if self.base.clock != NEVER and kept != wanted:
            what = f"the state has bars of {_told(kept)} beside the shortest, the settings have {_told(wanted)}"
            hint = "bars.rollups is fixed for the life of a job's state: docs/runbook.md, Another interval"
            raise StateError(what, where="bars.rollups", hint=hint)

    @staticmethod
    def _expect(end: int, shards: Sequence[RolledShard]) -> list[int]:
        return [at for of in shards for at in of.expect(end)]


def _told(intervals: set[str]) -> str:
    return ", ".join(sorted(intervals, key=parse_duration)) or "no other interval"


class Part(MutableMapping[str, bytes]):
    """The keys of a store that begin with a prefix, without it."""

    def __init__(self, store: MutableMapping[str, bytes], prefix: str) -> None:
        self._store, self._prefix = store, prefix

    def __getitem__(self, key: str) -> bytes:
        return self._store[self._prefix + key]

    def __setitem__(self, key: str, value: bytes) -> None:
        self._store[self._prefix + key] = value

    def __delitem__(self, key: str) -> None:
        del self._store[self._prefix + key]

    def __iter__(self) -> Iterator[str]:
        return (key.removeprefix(self._prefix) for key in self._store if key.startswith(self._prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)
