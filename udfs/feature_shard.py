"""Bars to features: one shard of securities, its live state, and what happens when its past changes.

In: bar frames of any shard of ticks, corporate actions, the passing of event time. Out: indicator frames, on time at
revision 0, amended ones higher. State is a log (bars of the last H times, every K times an anchor: all feature state)
plus live arrays in memory; a restore loads the newest anchor and steps forward. A bar that changed and an action heard
of late are one move: replay the securities it touches from the anchor before, as they were and as they are, and emit
the rows that differ. Changes wait until `amend`. With a plan that looks across the universe the shard holds all of it,
replays all of it when one security changed, and its frames are of factors. This file must not know Flink, ticks or any
indicator.

    p/<bar end>/<n>   a frame that waits: for its time to pass, or, if that has passed, for `amend`
    c/<name>          a corporate action;  q/<name>: one that waits
    and what bar_log.py lists
"""

from collections.abc import MutableMapping

import numpy as np

from udfs.bar_log import BarLog
from udfs.bars import COLUMNS
from udfs.fold import Due, fold
from udfs.frame import BARS, FACTORS, INDICATORS, Frame
from udfs.history import History, Slot, framed, merge
from udfs.kernels.state import Floats, Rows
from udfs.log import DEFAULT, NEVER, Heard, Horizon, Record
from udfs.plan import TIME, Plan
from udfs.routing import MOVE
from udfs.securities import Actions


class FeatureShard:
    """The securities of one shard: feature state float64[N, plan.width] behind a log."""

    def __init__(
        self, shard: int, plan: Plan, interval_us: int, store: MutableMapping[str, bytes],
        horizon: Horizon = DEFAULT, calendar: str = "24/7",
    ) -> None:  # fmt: skip
        self.shard, self.plan, self.interval_us = shard, plan, interval_us
        self.view = FACTORS if plan.across else INDICATORS
        self.horizon, self.calendar = horizon, calendar
        self.keep_us = 0  # the log reaches further back by so much, for bars of longer intervals
        self.amended: list[Frame] = []
        self.log = BarLog(store, plan)
        self.waiting = self.log.numbered("p")
        self.heard, self.news = Heard(self.log, "c"), Heard(self.log, "q")
        self.actions = self._applied()
        self.rows: dict[str, int] = {}
        self.names: list[str] = []
        self.state = plan.blank(0)
        base = self.log.adopt()
        names, state = self.log.anchor(base)
        rows = self._allot(names)
        self.state[rows] = state
        self.ids = {end: self._allot(slot.securities) for end, slot in self.log.slots.items()}
        later = [end for end in self.log.anchors if end > base]  # those of other features
        for stop in [*later, self.clock]:
            self._replay(np.arange(len(self.names)), self.state, base, stop)
            if stop in later:
                self.log.put_anchor(stop, self.names, self.state[: len(self.names)])
            base = stop

    @property
    def clock(self) -> int:
        """End of the newest bar time that has passed, microseconds UTC; NEVER before the first."""
        return self.log.meta["clock"]

    @property
    def dirty(self) -> bool:
        """Whether changes of the past wait for `amend`."""
        return bool(self.news.records) or any(end <= self.clock for end in self.waiting)

    def hear(self, frame: Frame, packed: bytes = b"") -> int | None:
        """Take a frame of bars; it waits. The bar end to be reminded at, None if that has passed: then for `amend`.

        packed: the same frame as bytes, where they are at hand.
        """
        end = frame.event_time
        self.log[f"p/{end}/{self.waiting[end]}"] = packed or frame.pack()
        self.waiting[end] += 1
        self.log.save()
        return end if end > self.clock else None

    def act(self, record: Record) -> None:
        """Take a corporate action; it waits."""
        if record not in self.heard and record not in self.news:
            self.news.add(record)
            self.log.save()

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until` (microseconds UTC): the features of all bar times that end by then."""
        until = until // self.interval_us * self.interval_us
        if until <= self.clock:
            return []
        ends = self.due(until)
        frames = self.amend() if (ends and self.news.records) or self.overdue(until) else []
        for end in ends:
            frames += self._close(end)
        self.log.meta["clock"] = until
        if ends:
            self.log.trim(self.floor(until) - self.keep_us)
            self.ids = {end: self.ids[end] for end in self.log.times}
        self.log.save()
        return frames

    def due(self, until: int) -> list[int]:
        """Bar times that close when event time passes `until`, and have bars."""
        return sorted(end for end in self.waiting if self.clock < end <= until)

    def overdue(self, until: int) -> bool:
        """Whether a change of the past waits that the stages behind this one would no longer know when it is `until`.

        They are told the time when this shard is, so it is amended before.
        """
        floor = self.horizon.floor(until, self.interval_us)
        return any(end <= self.clock and end < floor for end in self.waiting)

    def floor(self, until: int) -> int:
        """The oldest bar end that can change once event time has passed `until`."""
        return min([self.horizon.floor(until, self.interval_us), *self.waiting])

    def amend(self) -> list[Frame]:
        """Apply what was heard of the past: frames of the rows that differ, at a higher revision.

        `amended` is then the frames of bars that were heard of.
        """
        self.amended = heard = [frame for end in sorted(self.waiting) if end <= self.clock for frame in self._take(end)]
        actions = self._actions()
        changed = self._changed(actions)
        touched = {name for frame in heard for part in frame.ids() for name in part} | set(changed)
        if touched and self.plan.across:
            touched |= set(self.names)
        rows = self._allot(sorted(touched))
        since = min(
            [frame.event_time for frame in heard] + [ex_time + 1 for ex_time in changed.values()], default=NEVER
        )
        base = self.log.base(since) if touched else NEVER
        before, was = self._history(rows, base, keep=False), {f.event_time: self.log.slot(f.event_time) for f in heard}
        for frame in heard:
            self._put(frame.event_time, self.log.slot(frame.event_time), frame)
        self.actions = actions
        self.heard.take(self.news)
        after = self._history(rows, base, keep=True)
        moved = {(end, self.rows[name]) for end, slot in was.items() for name in self.log.slot(end).moved(slot)}
        frames = self._amended(before, after, moved, _removed(heard))
        self.log.save()
        return frames

    def _close(self, end: int) -> list[Frame]:
        for frame in self._take(end):
            self._put(end, self.log.slot(end), frame)
        slot, rows = self.log.slot(end), self.ids[end]
        due = Due.of(self.actions.adjustments, self.rows)
        features = fold(self.plan, self.state, rows, np.full(len(rows), end), slot.values, due)
        self.log.meta["closed"] = self.log.meta.get("closed", 0) + 1
        if self.log.meta["closed"] % self.horizon.anchor == 0:
            self.log.put_anchor(end, self.names, self.state[: len(self.names)])
        self.log.meta["clock"] = end
        return self._frames(end, end, 0, slot, np.arange(len(rows)), features, Slot())

    def _applied(self) -> Actions:
        """What holds by the records that were applied: after a restore."""
        return Actions(self.heard.records.values(), self.calendar)

    def _actions(self) -> Actions:
        """What holds by all records heard, applied or not."""
        if not self.news.records:
            return self.actions
        return Actions([*self.heard.records.values(), *self.news.records.values()], self.calendar)

    def _changed(self, actions: Actions) -> dict[str, int]:
        """Securities whose bars in the past are other ones by these actions -> the first ex time that makes them so."""
        changed = {}
        for name in {*actions.adjustments, *self.actions.adjustments} & set(self.rows):
            now, was = (set(of.adjustments.get(name, ())) for of in (actions, self.actions))
            first = min((each.ex_time_us for each in now ^ was), default=self.clock)
            if self.state[self.rows[name], TIME] > first:
                changed[name] = first
        return changed

    def _amended(
        self, before: History, after: History, moved: set[tuple[int, int]], removed: dict[int, Slot]
    ) -> list[Frame]:
        """Frames of what differs or stands under another ticker now, and of the bars that ceased to exist."""
        changed = after.changed(before)
        if moved:
            changed |= [key in moved for key in zip(after.times.tolist(), after.rows.tolist(), strict=True)]
        frames, place = [], np.zeros(len(self.names), "i8")
        for end in sorted({*after.times[changed].tolist(), *removed}):
            new = np.flatnonzero(changed & (after.times == end))
            place[self.ids[end]] = np.arange(len(self.ids[end]))
            known_at, number = self.clock + self.interval_us, self.log.amendment(end)
            gone = removed.get(end, Slot())
            frames += self._frames(
                end, known_at, number, self.log.slot(end), place[after.rows[new]], after.features[new], gone
            )
        return frames

    def _frames(
        self, end: int, known_at: int, revision: int, slot: Slot, places: Rows, features: Floats, removed: Slot
    ) -> list[Frame]:
        """Rows of a slot and what was removed from it."""
        head = Frame(self.view, self.shard, end, known_at, revision, [], self.plan.outputs, features,
                     interval=self.plan.interval)  # fmt: skip
        return framed(head, slot.part(places.tolist()), features, removed)

    def _history(self, rows: Rows, base: int, *, keep: bool) -> History:
        """Replay these rows from an anchor to the clock. With keep, later anchors and the live state follow."""
        names = [self.names[row] for row in rows]
        state = self.plan.blank(len(rows))
        _copy(*self.log.anchor(base), names, state)
        parts = [self._replay(rows, state, base, base)]
        for stop in [a for a in self.log.anchors if a > base and keep] + [self.clock]:
            parts.append(self._replay(rows, state, base, stop))
            base = stop
            if keep and stop in self.log.anchors:
                others, old = self.log.anchor(stop)
                kept = np.flatnonzero(~np.isin(others, names)).tolist()
                self.log.put_anchor(stop, [others[i] for i in kept] + names, np.concatenate([old[kept], state]))
        if keep:
            self.state[rows] = state
        return History(
            *(np.concatenate([getattr(one, name) for one in parts]) for name in ("times", "rows", "features"))
        )

    def _replay(self, rows: Rows, state: Floats, after: int, until: int) -> History:
        """Fold the logged bars of these live rows in (after, until] into their state."""
        if not (ends := self.log.between(after, until)):
            return History(np.empty(0, "i8"), np.empty(0, "i8"), np.empty((0, len(self.plan.outputs))))
        local = np.full(len(self.names), -1)
        local[rows] = np.arange(len(rows))
        ids = np.concatenate([np.empty(0, "i8"), *(self.ids[end] for end in ends)])
        keep = np.flatnonzero(local[ids] >= 0)
        bars = [self.log.slots[end].values for end in ends]
        values = np.concatenate([np.empty((0, len(COLUMNS))), *bars])[keep]
        times = np.repeat(np.array(ends, "i8"), [len(self.ids[end]) for end in ends])[keep]
        due = Due.of(self.actions.adjustments, {self.names[row]: i for i, row in enumerate(rows)})
        features = fold(self.plan, state, local[ids[keep]], times, values, due)
        return History(times, ids[keep], features)

    def _put(self, end: int, slot: Slot, frame: Frame) -> None:
        """Write a slot with a frame's bars merged in; those that moved begin their revisions higher."""
        slot = merge(slot, frame, frame.revision // MOVE * MOVE)
        self.log.put(end, slot)
        self.ids[end] = self._allot(slot.securities)

    def _take(self, end: int) -> list[Frame]:
        """The frames that wait for a time, which then wait no longer."""
        keys = [f"p/{end}/{n}" for n in range(self.waiting.pop(end))]
        frames = [Frame.unpack(self.log[key]) for key in keys]
        for key in keys:
            del self.log[key]
        return frames

    def _allot(self, names: list[str]) -> Rows:
        """State rows of these securities, new ones at zero."""
        for name in names:
            if name not in self.rows:
                self.rows[name] = len(self.names)
                self.names.append(name)
        if len(self.names) > len(self.state):
            grown = self.plan.blank(max(2 * len(self.state), len(self.names)))
            grown[: len(self.state)] = self.state
            self.state = grown
        return np.array([self.rows[name] for name in names], "i8")


def _removed(heard: list[Frame]) -> dict[int, Slot]:
    """Bar end -> the bars that these frames leave without a successor; one that moved lives on in another shard."""
    found: dict[int, dict[str, Slot]] = {}
    for frame in heard:
        of, base = found.setdefault(frame.event_time, {}), frame.revision // MOVE * MOVE
        for symbol in [*frame.symbols, *frame.removed]:
            of.pop(symbol, None)
        if frame.view == BARS:
            for symbol, security in zip(frame.removed, frame.ids()[1], strict=True):
                of[symbol] = Slot([security], [symbol], np.zeros((1, len(COLUMNS))), np.array([base]))
    return {end: Slot.all(list(of.values())) for end, of in found.items() if of}


def _copy(names: list[str], source: Floats, wanted: list[str], target: Floats) -> None:
    """Copy state rows by name."""
    place = {name: i for i, name in enumerate(names)}
    for i, name in enumerate(wanted):
        if name in place:
            target[i] = source[place[name]]
