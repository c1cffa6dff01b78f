"""Whatever order the world is heard in, a shard's log and last emitted rows end where a clean run ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.frame import BARS, Frame
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.rewind import Shard
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

PLAN = Plan("1m")
MINUTE, DAY = 60_000_000, 86_400_000_000
SYMBOLS = ["A", "B", "C"]
HORIZON = Horizon(bars=1000, anchor=3, ticks=1000)


def tape(seed: int, bars: int) -> Ticks:
    """About five trades a bar for three symbols over two days, with cancels and corrections of some."""
    rng = np.random.default_rng(seed)
    n = 5 * bars
    minutes = np.sort(rng.integers(0, bars, n))
    minutes = np.where(minutes >= bars // 2, minutes + 1440, minutes)  # the second half is the next day
    time = minutes * MINUTE + rng.integers(0, MINUTE, n)
    code, price, size = rng.integers(0, 3, n).astype("i4"), np.round(rng.uniform(10, 20, n), 2), rng.integers(1, 9, n)
    trade_id, kind = np.arange(n).astype("u8"), np.zeros(n, "i1")
    trades = Ticks(SYMBOLS, code, time, price, size.astype("f8"), np.arange(n), trade_id, kind)
    again = np.flatnonzero(rng.random(n) < 0.15)
    kinds = rng.choice([TRADE, CANCEL, CORRECT], len(again)).astype("i1")
    amended = trades.take(again)
    price = np.where(kinds == TRADE, amended.price, amended.price + 1)
    sequence = np.where(kinds == TRADE, amended.sequence, n + again)
    more = Ticks(SYMBOLS, amended.code, amended.event_time, price, amended.size, sequence, amended.trade_id, kinds)
    return Ticks.concat([trades, more])


def action(event_id: str, function: str, version: int, symbol: str, ratio: tuple[int, int]) -> dict[str, object]:
    """A split on the second day."""
    numerator, denominator = ratio
    terms = {"ex_date": 1, "numerator": numerator, "denominator": denominator, "known_at": 0, "status": "FINAL"}
    what = {"function": function, "symbol": symbol, "action_type": "SPLIT"}
    return {"event_id": event_id, "version": version, **what, **terms}


ACTIONS = [
    action("x", "NEW", 1, "A", (2, 1)),
    action("x", "REPLACE", 2, "A", (3, 1)),
    action("y", "NEW", 1, "B", (1, 10)),
    action("y", "CANCEL", 2, "B", (1, 10)),
    action("z", "NEW", 1, "C", (7, 5)),
    action("w", "NEW", 1, "C", (7, 5)),  # another event on the same terms
]


class World:
    """A shard and the newest row of each view, time and symbol that it emitted."""

    def __init__(self) -> None:
        self.store: dict[str, bytes] = {}
        self.shard = Shard(0, PLAN, MINUTE, self.store, HORIZON)
        self.rows: dict[tuple[str, int, str], bytes] = {}
        self.revisions: dict[tuple[str, int, str], int] = {}

    def hear(self, frames: list[Frame]) -> None:
        """Keep what was emitted; a revision never goes back."""
        for frame in frames:
            for i, name in enumerate(frame.symbols):
                key = frame.view, frame.event_time, name
                assert frame.revision > self.revisions.get(key, -1)
                self.rows[key], self.revisions[key] = frame.values[i].tobytes(), frame.revision
            for name in frame.removed:
                del self.rows[frame.view, frame.event_time, name]

    def restart(self) -> None:
        """A new process with the same log."""
        self.shard = Shard(0, PLAN, MINUTE, self.store, HORIZON)


def clean(ticks: Ticks, actions: list[dict[str, object]]) -> World:
    """Everything known in time."""
    world = World()
    for one in actions:
        world.hear(world.shard.act(one))
    world.hear(world.shard.accept(ticks)[1])
    world.hear(world.shard.close(2**60))
    return world


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 60), st.randoms(use_true_random=False), st.integers(0, len(ACTIONS)))
def test_any_order_ends_like_a_clean_run(seed: int, bars: int, random, heard: int) -> None:
    ticks = tape(seed, bars)
    actions = ACTIONS[:heard]
    order = list(range(len(ticks)))
    random.shuffle(order)
    parts = [ticks.take(np.sort(np.array(part))) for part in np.array_split(order, 7) if len(part)]
    moves = [("ticks", part) for part in parts] + [("action", one) for one in actions * 2]
    moves += [("close", int(end)) for end in np.quantile(ticks.event_time, [0.2, 0.5, 0.8])] + [("restart", None)] * 2
    random.shuffle(moves)
    world = World()
    for what, how in moves:
        if what == "ticks":
            world.hear(world.shard.accept(how)[1])
        elif what == "action":
            world.hear(world.shard.act(how))
        elif what == "close":
            world.hear(world.shard.close(how))
        else:
            world.restart()
    world.hear(world.shard.close(2**60))
    expected = clean(ticks, actions)
    assert world.rows == expected.rows
    assert fates(world) == fates(expected)
    world.restart()
    live, fresh = world.shard, expected.shard
    for name, row in fresh.rows.items():
        assert live.state[live.rows[name]].tobytes() == fresh.state[row].tobytes()


def fates(world: World) -> dict[str, int]:
    """Counters that do not depend on when a record came."""
    return {key: n for key, n in world.shard.counts.items() if key not in ("on_time", "late") and n}


@pytest.mark.parametrize("ratio", [(2, 1), (1, 4)])
def test_announce_then_cancel_leaves_no_trace(ratio: tuple[int, int]) -> None:
    ticks = tape(3, 40)
    world = clean(ticks, [])
    before = dict(world.rows)
    world.hear(world.shard.act(action("e", "NEW", 1, "A", ratio)))
    assert world.rows != before
    world.hear(world.shard.act(action("e", "CANCEL", 2, "A", ratio)))
    assert world.rows == before


def test_two_events_on_the_same_terms_both_count() -> None:
    ticks, events = tape(3, 40), [action(name, "NEW", 1, "A", (2, 1)) for name in "xy"]
    late = clean(ticks, [])
    for event in events:
        late.hear(late.shard.act(event))
    assert late.rows == clean(ticks, events).rows
    assert late.rows != clean(ticks, events[:1]).rows


def test_records_are_conserved() -> None:
    world = clean(tape(5, 50), [])
    counts = world.shard.counts
    fates = [counts[key] for key in ("used", "cancelled", "duplicates", "amendments", "orphans")]
    assert counts["on_time"] == len(tape(5, 50)) == sum(fates)
    assert min(fates[:4]) > 0


def test_bars_view_carries_every_column() -> None:
    world = clean(tape(1, 20), [])
    assert {view for view, _, _ in world.rows} == {BARS, "indicators"}
