"""Trades and corporate actions in the order in which they are heard, and other ways in which it could have gone on.

In: a World, or a Hearing and a cut, microseconds UTC. Out: a Hearing; one that goes on otherwise is the same in all
that is heard up to the cut, and may say after it what it likes, of the past too: late trades, cancels, corrections,
actions whose ex-day is over. This file must not know features, nor how a read "as known" is made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from tickloom.leaks.futures import SWING
from tickloom.leaks.world import DAY, Random, Record, World, rumours
from udfs.kernels.state import Rows
from udfs.prints import prints
from udfs.tape import to_ticks
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

DELAY = 30
"""A late record is heard up to so many bars after its time."""
REACH = 60
"""Another future changes trades of so many bars before the cut."""
LATE, AGAIN, LATER = 0.04, 0.06, 0.15
"""Fractions of trades: heard late; cancelled, corrected or repeated; changed by another future."""


@dataclass(frozen=True)
class Hearing:
    """ticks, and int64 microseconds UTC at which each is `heard`; actions are heard at their known_at."""

    ticks: Ticks
    heard: Rows
    actions: list[Record]
    interval_us: int

    def steps(self) -> Iterator[tuple[int, Ticks, list[Record]]]:
        """The end of each bar during which something is heard, and what; of the ticks the latest first."""
        ends = self._ends(self.heard)
        told = self._ends(np.array([action["known_at"] for action in self.actions], "i8"))
        order = np.argsort(ends, kind="stable")
        for end in np.unique([*ends, *told]).tolist():
            first, last = np.searchsorted(ends[order], [end, end + 1])
            news = [action for action, at in zip(self.actions, told, strict=True) if at == end]
            yield end, self.ticks.take(order[first:last][::-1]), news

    def until(self, end: int) -> "Hearing":
        """What is heard before the end of a bar."""
        keep = self.heard < end
        actions = [action for action in self.actions if action["known_at"] < end]
        return replace(self, ticks=self.ticks.take(keep), heard=self.heard[keep], actions=actions)

    def also(self, ticks: Ticks, heard: Rows) -> "Hearing":
        """With more ticks."""
        return replace(self, ticks=Ticks.concat([self.ticks, ticks]), heard=np.concatenate([self.heard, heard]))

    def _ends(self, times: Rows) -> Rows:
        return (times // self.interval_us + 1) * self.interval_us


Future = Callable[[Hearing, int, Random], Hearing]


def hearing(world: World, rng: Random) -> Hearing:
    """The bars as four trades each, most heard at once; some late, some cancelled, corrected or repeated later."""
    ticks = to_ticks(prints(world.table, world.interval_us))
    delay = rng.integers(1, DELAY, len(ticks)) * world.interval_us
    tape = Hearing(ticks, ticks.event_time + delay * (rng.random(len(ticks)) < LATE), world.actions, world.interval_us)
    rows = np.flatnonzero(rng.random(len(ticks)) < AGAIN)
    later = rng.integers(0, DELAY, len(rows)) * world.interval_us
    return tape.also(_amended(ticks.take(rows), rng), tape.heard[rows] + later)


def other_trades(tape: Hearing, cut: int, rng: Random) -> Hearing:
    """All that is heard of trades after the cut has other prices and sizes."""
    ticks, later = tape.ticks, tape.heard >= cut
    price, size = (np.where(later, of * np.exp(rng.normal(0, SWING, len(of))), of) for of in (ticks.price, ticks.size))
    return replace(tape, ticks=replace(ticks, price=price, size=np.ceil(size)))


def other_amendments(tape: Hearing, cut: int, rng: Random) -> Hearing:
    """After the cut other trades of before are cancelled, corrected, repeated, or heard of for the first time."""
    starts = tape.ticks.event_time // tape.interval_us * tape.interval_us
    kept = np.flatnonzero((tape.heard < cut) | (starts >= cut))
    near = (tape.heard < cut) & (starts >= cut - REACH * tape.interval_us) & (tape.ticks.kind == TRADE)
    gone = near & (starts == rng.choice(starts[near], 1)) if near.any() else near  # a whole bar time
    old = tape.ticks.take(near & ~gone & (rng.random(len(near)) < LATER))
    fresh = replace(old, trade_id=~old.trade_id, price=old.price * np.exp(rng.normal(0, SWING, len(old))))
    cancels = replace(tape.ticks, kind=np.full(len(near), CANCEL, "i1")).take(gone)
    news = Ticks.concat([_amended(old, rng), fresh.take(rng.random(len(old)) < 0.5), cancels])
    same = replace(tape, ticks=tape.ticks.take(kept), heard=tape.heard[kept])
    return same.also(news, cut + rng.integers(0, DELAY // 3, len(news)) * tape.interval_us)


def other_actions(tape: Hearing, cut: int, rng: Random) -> Hearing:
    """Other actions are heard after the cut, of any ex-day; half of those heard before are cancelled."""
    before = [action for action in tape.actions if action["known_at"] < cut]
    soon = (cut + np.arange(DELAY // 3) * tape.interval_us).tolist()
    days = np.unique(tape.ticks.event_time // DAY).tolist()
    gone = [action | {"version": action["version"] + 1, "function": "CANCEL", "known_at": int(rng.choice(soon))}
            for action in before if rng.random() < 0.5]  # fmt: skip
    return replace(tape, actions=before + gone + rumours(rng, tape.ticks.symbols, days, soon))


def nothing_more(tape: Hearing, cut: int, _: Random) -> Hearing:
    """Nothing is heard after the cut."""
    return tape.until(cut)


FUTURES: dict[str, Future] = {
    "other trades": other_trades, "other amendments": other_amendments, "other actions": other_actions,
    "nothing more": nothing_more,
}  # fmt: skip


def _amended(trades: Ticks, rng: Random) -> Ticks:
    """A cancel, a correction or a repeat of each trade."""
    kind = rng.choice([TRADE, CANCEL, CORRECT], len(trades)).astype("i1")
    price = trades.price * np.where(kind == CORRECT, np.exp(rng.normal(0, 0.01, len(trades))), 1.0)
    return replace(trades, kind=kind, price=price, sequence=trades.sequence + (kind != TRADE))
