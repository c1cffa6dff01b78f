"""Rewind and replay: one shard's live feature state, and what happens when its past changes.

In: tick columns, corporate actions, the passing of event time. Out: frames, on time at revision 0, amended ones higher.
State is the log (log.py) plus live arrays in memory; a restore loads the newest anchor and steps forward. A late or
cancelled trade and an action heard of late are one move: replay the symbols it touches from the anchor before it, as
they were and as they are now, and emit the rows that differ. This file must not know Flink, Kafka or any indicator.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import replace

import numpy as np

from schemas.errors import DataError
from udfs.adjustment import effective
from udfs.bars import COLUMNS, build
from udfs.fold import fold, pending
from udfs.frame import BARS, INDICATORS, Frame
from udfs.kernels.state import Floats, Rows
from udfs.log import NEVER, Anchor, Horizon, Log, Slot
from udfs.plan import Plan
from udfs.ticks import Ticks

Pair = tuple[Floats, Floats]
Pairs = dict[str, Pair]  # symbol -> its bar and its features at one time
COUNTS = ("duplicates", "cancelled", "amendments", "orphans")
FATES = ("on_time", "late", "used", *COUNTS)
"""Counters of records: how they came (the first two), and where each ended once its bar is closed (the others)."""
DEFAULT = Horizon()


class BeyondHorizon(DataError):
    """A change of the past that is older than the log: refused, to be repaired by replay."""


class Shard:
    """The symbols of one shard: feature state float64[N, plan.width] behind a log.

    interval_us: length of a bar; store: keyed state as a mapping of bytes, whatever holds it.
    """

    def __init__(
        self, shard: int, plan: Plan, interval_us: int, store: MutableMapping[str, bytes], horizon: Horizon = DEFAULT
    ) -> None:
        self.shard, self.plan, self.interval_us = shard, plan, interval_us
        self.log = Log(store, horizon)
        self.splits = effective(self._actions())
        self.rows: dict[str, int] = {}
        self.state = np.zeros((0, plan.width))
        anchor = self.log.anchors[-1] if self.log.anchors else NEVER
        self._load(self.log.anchor(anchor, plan.width))
        symbols = {name for time in self.log.between(anchor, self.clock) for name in self.log.bars(time).symbols}
        self._allot(sorted(symbols))
        self._replay(self.rows, self.state, anchor, self.clock)

    @property
    def clock(self) -> int:
        """End of the newest closed bar, microseconds UTC; NEVER before the first."""
        return self.log.meta["clock"]

    @property
    def counts(self) -> dict[str, int]:
        """Records by fate since the beginning, exact across restarts."""
        return {key: value for key, value in self.log.meta.items() if key not in ("clock", "closed", "trimmed")}

    def count(self, fate: str, n: int = 1) -> None:
        """Add records to a fate; kept with the clock."""
        self.log.meta[fate] = self.log.meta.get(fate, 0) + n

    def accept(self, ticks: Ticks, packed: bytes = b"") -> tuple[set[int], list[Frame]]:
        """Take trade records: the ends of bars that wait for the clock, and the frames of closed bars they amended.

        packed: the same records as bytes, where they are at hand. Raises BeyondHorizon, before anything has changed,
        if a record is older than the log can amend.
        """
        ends = (ticks.event_time // self.interval_us + 1) * self.interval_us
        if (ends == ends[0]).all():
            bars = {int(ends[0]): ticks}
        else:
            bars, packed = {int(end): ticks.take(ends == end) for end in np.unique(ends)}, b""
        late = sorted(end for end in bars if end <= self.clock)
        bases = {end: self._base(end, f"a tick of the bar {end}", held=self.log.keeps_ticks(end)) for end in late}
        frames = [frame for end, base in bases.items() for frame in self._amend_ticks(end, base, bars[end])]
        waiting = set(bars) - set(late)
        for end in waiting:
            self.log.add_ticks(end, bars[end], packed)
        self.count("late" if late else "on_time", len(ticks))
        self.log.save()
        return waiting, frames

    def act(self, message: dict[str, object]) -> list[Frame]:
        """Take a corporate action: frames of closed bars that it changed. The same event twice changes nothing."""
        key = f"c/{message['event_id']}/{message['version']}/{message['function']}"
        splits = effective([*self._actions(), message])
        symbols = {name for name in {*splits, *self.splits} if splits.get(name) != self.splits.get(name)}
        now, was = (Counter(s for name in symbols for s in of.get(name, ())) for of in (splits, self.splits))
        moved = (now - was) + (was - now)
        since = min((split.ex_time_us for split in moved), default=self.clock) + 1
        late = since <= self.clock
        base = self._base(since, f"action {message['event_id']}") if late else NEVER

        def change() -> None:
            self.splits = splits
            self.log.store[key] = json.dumps(message).encode()

        if late:
            return self._rewind(symbols & set(self.rows), base, change)
        change()
        return []

    def close(self, until: int) -> list[Frame]:
        """Close every bar that ends at or before `until` (microseconds UTC): its bar frame and its feature frame."""
        ends = sorted(end for end in self.log.chunks if self.clock < end <= until)
        return [frame for end in ends for frame in self._close(end)]

    def _close(self, end: int) -> list[Frame]:
        bars = build(Ticks.concat(self.log.ticks(end)))
        self._tally(bars.counts, bars.values)
        frames = []
        rows = self._allot(bars.symbols)
        due = pending(self.splits, self.rows, self.clock)
        out = fold(self.plan, self.state, rows, np.full(len(rows), end), bars.values, due, end)
        if bars.symbols:
            self.log.put_bars(end, Slot(bars.symbols, bars.values))
            self.log.meta["closed"] += 1
            if self.log.meta["closed"] % self.log.horizon.anchor == 0:
                self.log.put_anchor(end, Anchor(list(self.rows), self.state[: len(self.rows)]))
            pairs = zip(bars.values, out, strict=True)
            frames = self._frames(end, end, 0, dict(zip(bars.symbols, pairs, strict=True)), [])
        self.log.meta["clock"] = end
        self.log.settle(end)
        return frames

    def _amend_ticks(self, end: int, base: int, ticks: Ticks) -> list[Frame]:
        old = build(Ticks.concat(held)) if (held := self.log.ticks(end)) else None
        new = build(Ticks.concat([*held, ticks]))

        def change() -> None:
            self.log.add_ticks(end, ticks)
            if new.symbols or self.log.holds(end):
                self.log.put_bars(end, Slot(new.symbols, new.values, self.log.bars(end).revision))
            self._allot(new.symbols)

        if old is not None:
            self._tally(-old.counts, -old.values)
        self._tally(new.counts, new.values)
        return self._rewind({ticks.symbols[i] for i in np.unique(ticks.code)}, base, change)

    def _base(self, since: int, what: str, *, held: bool = True) -> int:
        """The anchor from which a change at `since` is replayed; BeyondHorizon where the log does not reach so far."""
        base = self.log.base(since) if held else None
        if base is None:
            raise BeyondHorizon(f"{what} is older than the horizon", hint="repair it by replay")
        return base

    def _tally(self, counts: Rows, values: Floats) -> None:
        self.count("used", int(values[:, COLUMNS.index("trade_count")].sum()))
        for fate, n in zip(COUNTS, counts, strict=True):
            self.count(fate, int(n))

    def _rewind(self, symbols: Iterable[str], base: int, change: Callable[[], None]) -> list[Frame]:
        """Replay these symbols from an anchor, before and after the change; frames of what differs."""
        before = self._history(symbols, base, keep=False)
        change()
        after = self._history(symbols, base, keep=True)
        frames: list[Frame] = []
        for end in sorted({*before, *after}):
            was, now = before.get(end, {}), after.get(end, {})
            changed = {name: rows for name, rows in now.items() if name not in was or _differ(was[name], rows)}
            removed = sorted(set(was) - set(now))
            if changed or removed:
                slot = self.log.bars(end)
                self.log.put_bars(end, replace(slot, revision=slot.revision + 1))
                frames += self._frames(end, max(end, self.clock), slot.revision + 1, changed, removed)
        self.log.save()
        return frames

    def _history(self, symbols: Iterable[str], base: int, keep: bool) -> dict[int, Pairs]:
        """Replay from an anchor to the clock: rows by time. With keep, later anchors and live state follow."""
        anchor = self.log.anchor(base, self.plan.width)
        place = {name: i for i, name in enumerate(sorted(symbols))}
        state = np.zeros((len(place), self.plan.width))
        _copy(anchor.symbols, anchor.state, place, state)
        history: dict[int, Pairs] = {}
        for stop in [a for a in self.log.anchors if a > base] + [self.clock]:
            history |= self._replay(place, state, base, stop)
            base = stop
            if keep and stop in self.log.anchors:
                old = self.log.anchor(stop, self.plan.width)
                names = [*old.symbols, *(name for name in place if name not in set(old.symbols))]
                merged = np.zeros((len(names), self.plan.width))
                merged[: len(old.symbols)] = old.state
                _copy(list(place), state, {name: i for i, name in enumerate(names)}, merged)
                self.log.put_anchor(stop, Anchor(names, merged))
        if keep:
            self._allot(list(place))
            _copy(list(place), state, self.rows, self.state)
        return history

    def _replay(self, place: dict[str, int], state: Floats, after: int, until: int) -> dict[int, Pairs]:
        """Fold the logged bars of these symbols in (after, until] into their state rows."""
        slots = [(end, self.log.bars(end)) for end in self.log.between(after, until)]
        picks = [(end, name, i) for end, slot in slots for i, name in enumerate(slot.symbols) if name in place]
        bars = dict(slots)
        rows = np.array([place[name] for _, name, _ in picks], "i8")
        times = np.array([end for end, _, _ in picks], "i8")
        values = np.array([bars[end].values[i] for end, _, i in picks]).reshape(len(picks), len(COLUMNS))
        due = pending(self.splits, place, after)
        out = fold(self.plan, state, rows, times, values, due, until)
        history: dict[int, Pairs] = {}
        for (end, name, _), bar, features in zip(picks, values, out, strict=True):
            history.setdefault(end, {})[name] = bar, features
        return history

    def _frames(self, end: int, known_at: int, revision: int, rows: Pairs, removed: list[str]) -> list[Frame]:
        names = sorted(rows)
        bars = np.array([rows[name][0] for name in names]).reshape(len(names), len(COLUMNS))
        features = np.array([rows[name][1] for name in names]).reshape(len(names), len(self.plan.outputs))
        head = Frame(BARS, self.shard, end, known_at, revision, names, COLUMNS, bars, removed=removed)
        return [head, replace(head, view=INDICATORS, names=self.plan.outputs, values=features)]

    def _allot(self, names: list[str]) -> Rows:
        """State rows of these symbols, new ones at zero."""
        for name in names:
            self.rows.setdefault(name, len(self.rows))
        if len(self.rows) > len(self.state):
            grown = np.zeros((max(2 * len(self.state), len(self.rows)), self.plan.width))
            grown[: len(self.state)] = self.state
            self.state = grown
        return np.array([self.rows[name] for name in names], "i8")

    def _load(self, anchor: Anchor) -> None:
        rows = self._allot(anchor.symbols)
        if len(rows):
            self.state[rows] = anchor.state

    def _actions(self) -> list[dict[str, object]]:
        return [json.loads(self.log.store[key]) for key in self.log.store if key.startswith("c/")]


def _differ(was: Pair, now: Pair) -> bool:
    return any(a.tobytes() != b.tobytes() for a, b in zip(was, now, strict=True))


def _copy(names: list[str], source: Floats, place: dict[str, int], target: Floats) -> None:
    """Copy state rows by name into the rows that place gives them."""
    for i, name in enumerate(names):
        if name in place:
            target[place[name]] = source[i]
