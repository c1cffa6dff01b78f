"""A shard of securities by bars of a longer interval: rolled up from those of a finer one, then features as ever.

In: the log of the finer shard, its actions, the passing of event time. Out: frames of rolled bars, and of their
features. A window closes when its time has passed, and is rolled again when one of its bars, or an action inside it,
is another one; all else is FeatureShard's. This file must not know how bars are rolled up, nor any calendar.

    w/<window end>   moves of the symbols whose bars have moved to another security
    and what feature_shard.py lists
"""

import json
from collections import defaultdict
from collections.abc import Iterable, MutableMapping
from dataclasses import replace

import numpy as np

from schemas.settings import parse_duration
from udfs.bars import COLUMNS
from udfs.feature_shard import FeatureShard
from udfs.fold import Due
from udfs.frame import BARS, MOVED, Frame
from udfs.history import Slot, framed
from udfs.kernels.state import Rows
from udfs.plan import Plan
from udfs.rollup import roll
from udfs.routing import MOVE
from udfs.securities import Actions
from udfs.sessions import OUTSIDE, window_end, window_ends


class RolledShard(FeatureShard):
    """The securities of `finer` by bars of the plan's interval; clock and horizon are those of the shortest bars."""

    def __init__(self, finer: FeatureShard, plan: Plan, store: MutableMapping[str, bytes]) -> None:
        self.finer, self.width_us = finer, parse_duration(plan.interval)
        super().__init__(finer.shard, plan, finer.interval_us, store, finer.horizon, finer.calendar)
        self.open: set[int] = set()
        self.bases: dict[int, dict[str, int]] = {
            int(place[0]): json.loads(self.log[f"w/{place[0]}"]) for kind, place in self.log.places() if kind == "w"
        }
        finer.keep_us = max(finer.keep_us, self.width_us)

    def expect(self, end: int) -> list[int]:
        """A bar ends then: the end of its window, if that is yet to close."""
        window = window_end(end, self.width_us, self.calendar)
        if window == OUTSIDE or window <= self.clock:
            return []
        self.open.add(window)
        return [window]

    def advance(self, until: int) -> list[Frame]:
        """Event time has passed `until`, of which the finer shard was told: bars and features of the windows since."""
        closed = {window for window in self.open if window <= until // self.interval_us * self.interval_us}
        frames = []
        for window in sorted(closed):
            slot = self._rolled(window, set(self.finer.names))
            frames += self._heard(framed(self._head(window, window, 0), slot, slot.values, Slot()))
        self.open -= closed
        frames += super().advance(until)
        for window in [window for window in self.bases if self.log.times and window < self.log.times[0]]:
            del self.bases[window], self.log[f"w/{window}"]
        return frames

    def amend(self) -> list[Frame]:
        """Roll again the closed windows that hold what the finer shard has amended, then as ever."""
        touched: defaultdict[int, set[str]] = defaultdict(set)
        left: defaultdict[int, set[str]] = defaultdict(set)
        ended: defaultdict[int, dict[str, tuple[str, int]]] = defaultdict(dict)
        for frame in self.finer.amended:
            window = window_end(frame.event_time, self.width_us, self.calendar)
            touched[window].update(*frame.ids())
            left[window].update(frame.removed if frame.view == MOVED else ())
            if frame.view == BARS and (base := frame.revision // MOVE * MOVE):
                ended[window] |= {name: (of, base) for name, of in zip(frame.removed, frame.ids()[1], strict=True)}
        for window in self._spanning(self.finer.actions):
            touched[window].update(self.finer.names)
        frames: list[Frame] = []
        for window in sorted(touched):
            if OUTSIDE != window <= self.clock and self.finer.log.reaches(window - self.width_us):
                frames += self._heard(self._differing(window, touched[window], left[window], ended[window]))
        if self.waiting or self.finer.actions is not self.actions:
            return frames + super().amend()
        self.amended = []
        return []

    def floor(self, until: int) -> int:
        """As of the finer bars: what waits there may change these."""
        return self.finer.floor(until)

    def _applied(self) -> Actions:
        return self.finer.actions

    def _actions(self) -> Actions:
        return self.finer.actions

    def _heard(self, frames: Iterable[Frame]) -> list[Frame]:
        """Take these frames; those that are for others, too."""
        told = list(frames)
        for frame in told:
            self.hear(frame)
        return [frame for frame in told if frame.view == BARS]

    def _head(self, window: int, known_at: int, revision: int) -> Frame:
        values = np.empty((0, len(COLUMNS)))
        return Frame(BARS, self.shard, window, known_at, revision, [], COLUMNS, values, interval=self.plan.interval)

    def _spanning(self, actions: Actions) -> set[int]:
        """The windows inside which a ticker changes hands or a ratio takes effect, by these actions or those before."""
        if actions is self.actions:
            return set()
        both = (actions, self.actions)
        instants = {at for of in both for cuts in of.cuts.values() for at in cuts}
        now, was = ({each for changes in of.adjustments.values() for each in changes} for of in both)
        instants |= {change.ex_time_us for change in now ^ was}
        return {window_end(at + 1, self.width_us, self.calendar) for at in instants}

    def _rolled(self, window: int, names: set[str]) -> Slot:
        """The bars of these securities in a window, as far as they have a ticker at its end."""
        finer, actions = self.finer, self.finer.actions
        ends = np.array(finer.log.between(window - self.width_us, window), "i8")
        ends = ends[window_ends(ends, self.width_us, self.calendar) == window]
        wanted = np.array([name in names for name in finer.names], bool)
        places = [np.flatnonzero(wanted[finer.ids[end]]) for end in ends.tolist()]
        if not places:
            return Slot()
        bars = Slot.all([finer.log.slot(end).part(at.tolist()) for end, at in zip(ends.tolist(), places, strict=True)])
        rows = np.concatenate([finer.ids[end][at] for end, at in zip(ends.tolist(), places, strict=True)])
        times, windows = np.repeat(ends, [len(at) for at in places]), np.full(len(rows), window)
        rolled = roll(rows, times, windows, bars.values, Due.of(actions.adjustments, finer.rows))
        securities = [finer.names[row] for row in rolled.rows.tolist()]
        symbols = [bars.symbols[parts[-1]] for parts in rolled.parts]
        made = Slot(securities, symbols, rolled.values, np.zeros(len(symbols), "i8"))
        lasting = [i for i, name in enumerate(securities) if actions.security(symbols[i], window) == name]
        lasting.sort(key=securities.__getitem__)
        base = self._base(window, bars, [rolled.parts[i] for i in lasting])
        return replace(made.part(lasting), base=base)

    def _base(self, window: int, bars: Slot, parts: list[Rows]) -> Rows:
        """What revisions begin at: as its parts under the same ticker, and no less than before if they are gone."""
        known = self.bases.get(window, {})
        found = {bars.symbols[of[-1]]: 0 for of in parts} | known
        if bars.base.any():
            for of in parts:
                symbol = bars.symbols[of[-1]]
                moved = [int(bars.base[part]) for part in of if bars.symbols[part] == symbol]
                found[symbol] = max(found[symbol], *moved)
        higher = {name: base for name, base in found.items() if base}
        if higher != known:
            self.bases[window] = higher
            self.log[f"w/{window}"] = json.dumps(higher, sort_keys=True).encode()
        return np.array([found[bars.symbols[of[-1]]] for of in parts], "i8")

    def _differing(
        self, window: int, names: set[str], left: set[str], ended: dict[str, tuple[str, int]]
    ) -> list[Frame]:
        """Frames of what differs among these securities from the bars of a closed window.

        left: symbols whose bars have moved, so that another shard has their window now, or this one another security.
        ended: symbols whose bars came here and ceased to exist, with the security and what their revisions begin at:
        who has a symbol at the end of the window tells, even if it never had the row that another security leaves.
        """
        was, now = self.log.slot(window), self._rolled(window, names)
        old, new = _rows(was), _rows(now)
        changed = now.part([i for i, name in enumerate(now.securities) if old.get(name) != new[name]])
        held = dict(zip(now.securities, now.symbols, strict=True))
        gone = [i for i, name in enumerate(was.securities) if name in names and held.get(name) != was.symbols[i]]
        silent = [i for i in gone if was.symbols[i] in left or was.symbols[i] in changed.symbols]
        loud = was.part([i for i in gone if i not in silent])
        told = {*now.symbols, *loud.symbols}
        security = self.finer.actions.security
        orphans = [(name, of, base) for name, (of, base) in ended.items() if name not in told]
        orphans = [(name, of, base) for name, of, base in orphans if security(name, window) == of]
        loud = Slot.all([loud, *(_bare(*each) for each in orphans)])
        if not gone and not changed.symbols and not orphans:
            return []
        head = self._head(window, self.clock + self.interval_us, self.log.amendment(window))
        moved = framed(replace(head, view=MOVED), Slot(), head.values, was.part(silent))
        return [*moved, *framed(head, changed, changed.values, loud)]


def _bare(symbol: str, security: str, base: int) -> Slot:
    """A row of which only the name matters."""
    return Slot([security], [symbol], np.zeros((1, len(COLUMNS))), np.array([base]))


def _rows(slot: Slot) -> dict[str, tuple[str, bytes, int]]:
    """Security -> ticker, bytes of the bar, base of revisions."""
    columns = slot.symbols, map(bytes, slot.values), slot.base.tolist()
    return dict(zip(slot.securities, zip(*columns, strict=True), strict=True))
