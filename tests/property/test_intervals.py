"""Bars of longer intervals, rolled up from those of a minute: whatever order the world is heard in, they are the batch.

Seven minutes do not divide a day, so the ex-days of the worlds, at midnight, begin inside a window.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.world import (
    DAY,
    MINUTE,
    SHORT,
    SYMBOLS,
    Action,
    Bits,
    World,
    action,
    as_table,
    bits,
    draw_moves,
    draw_records,
    draw_tape,
    final_bars,
    short_windows,
    tape,
)
from udfs import batch, catalogue
from udfs.frame import BARS, Frame
from udfs.log import Horizon
from udfs.registry import Feature
from udfs.rollup import chain
from udfs.table import table
from udfs.ticks import CANCEL, Ticks

ROLLUPS = ("5m", "7m", "35m", "1d")
FEATURES = [step.feature for step in SHORT._steps]


def clean(
    ticks: Ticks, actions: list[Action], interval: str, rollups: Sequence[str], calendar: str,
    factors: Sequence[Feature],
) -> tuple[Bits, Bits]:  # fmt: skip
    """The batch: bars, and features, of an interval."""
    bars, known, of = final_bars(ticks), as_table(actions), "1m"
    for each in chain("1m", interval, rollups):
        bars, of = batch.roll_up(bars, known, of, each, calendar), each
    table = batch.compute(bars, known, interval, features=FEATURES, factors=factors, calendar=calendar)
    return bits(bars), bits(table)


def assert_truth(world: World, ticks: Ticks, actions: list[Action], calendar: str = "24/7") -> None:
    """Bars and features of every longer interval are those of the batch; no revision goes back."""
    for interval in world.shape["rollups"]:
        mine = [frame for frame in world.frames if frame.interval == interval]
        bars, features = clean(ticks, actions, interval, world.shape["rollups"], calendar, world.shape["factors"])
        assert differing(bars_of([frame for frame in mine if frame.view == BARS]), bars) == []
        assert differing(bits(table(mine)), features) == []
        assert_in_order(mine)


def bars_of(frames: list[Frame]) -> Bits:
    """The bars that stand."""
    newest: dict[tuple[str, int], tuple[int, bytes]] = {}
    for frame in frames:
        rows = [*map(bytes, frame.values), *[b""] * len(frame.removed)]
        for name, row in zip([*frame.symbols, *frame.removed], rows, strict=True):
            key = name, frame.event_time
            newest[key] = max(newest.get(key, (-1, b"")), (frame.revision, row))
    return {key: row for key, (_, row) in newest.items() if row}


def assert_in_order(frames: list[Frame]) -> None:
    """A revision never goes back."""
    newest: dict[tuple[str, int, str], int] = {}
    for frame in frames:
        for name in [*frame.symbols, *frame.removed]:
            key = frame.view, frame.event_time, name
            assert frame.revision > newest.get(key, -1)
            newest[key] = frame.revision


def any_order_ends_like_the_batch(random: Random) -> None:
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 1, 2, 3, 5]))
    factors = random.choice([(), catalogue.rows("across")])
    world = World(random.randint(1, 4), rollups=ROLLUPS, factors=factors).run(draw_moves(random, ticks, actions))
    assert_truth(world, ticks, actions)


def sessions_are_those_of_the_exchange(random: Random) -> None:
    """Around a change to summer time, a half day, a holiday; some actions take effect inside a session."""
    days = random.choice([["2024-03-08", "2024-03-11"], ["2024-07-03", "2024-07-05"], ["2024-11-28", "2024-11-29"]])
    ticks, actions = exchange_ticks(random, days), draw_records(random, random.choice([0, 1, 2, 3]))
    day = np.datetime64(days[-1]).astype(int).item()
    actions = [each | {"ex_date": day, "mic": random.choice(["XBUE", "XNYS"])} for each in actions]
    world = World(random.randint(1, 3), rollups=("5m", "1h", "1d"), calendar="XNYS")
    assert_truth(world.run(draw_moves(random, ticks, actions)), ticks, actions, "XNYS")


def exchange_ticks(random: Random, days: list[str]) -> Ticks:
    """Trades from before the open of New York to after its close."""
    rng = np.random.default_rng(random.randrange(2**32))
    n = random.choice([30, 200])
    first = rng.choice(np.array(days, "M8[us]").astype("i8"), n)
    time = np.sort(first + rng.integers(12 * 60 * MINUTE, 22 * 60 * MINUTE, n))
    code, price = rng.integers(0, len(SYMBOLS), n).astype("i4"), np.round(rng.uniform(10, 20, n), 2)
    return Ticks(SYMBOLS, code, time, price, np.ones(n), np.arange(n), np.arange(n).astype("u8"), np.zeros(n, "i1"))


def a_restart_between_any_two_steps_changes_no_byte(random: Random) -> None:
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
    moves = [move for move in draw_moves(random, ticks, actions) if move[0] != "restart"]
    never = World(2, rollups=ROLLUPS).run(moves)
    always = World(2, rollups=ROLLUPS).run([each for move in moves for each in (move, ("restart", None))])
    assert [frame.pack() for frame in always.frames] == [frame.pack() for frame in never.frames]
    assert always.stores == never.stores


def the_first_interval_is_as_alone(random: Random) -> None:
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
    moves = [*draw_moves(random, ticks, actions), ("pass", 4 * DAY)]
    alone, among = World(2).run(moves), World(2, rollups=ROLLUPS).run(moves)
    mine = [frame.pack() for frame in among.frames if frame.interval == "1m"]
    assert sorted(mine) == sorted(frame.pack() for frame in alone.frames)


def a_short_horizon_is_enough(random: Random) -> None:
    """Parts of a window are kept until the window is older than the horizon, however time leaps."""
    horizon, ticks = Horizon(random.choice([1, 3, 10]), random.randint(1, 4)), draw_tape(random, strays=False)
    world, heard = World(random.randint(1, 4), horizon, rollups=ROLLUPS), []
    clock = -(2**62)
    for what, how in draw_moves(random, ticks, []):
        if what == "hear":
            fresh = (how.event_time // MINUTE + 1) * MINUTE >= horizon.floor(clock, MINUTE)
            heard.append(how.take(fresh))
        clock = max(clock, how // MINUTE * MINUTE) if what == "pass" else clock
        world.do(what, how)
    assert_truth(world.do("finish"), Ticks.concat(heard), [])


def differing(found: Bits, wanted: Bits) -> list[tuple[str, int]]:
    """Rows of one and not the other, or with other bytes."""
    return sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))


@pytest.mark.parametrize("shards", [1, 2, 3, 4])
@pytest.mark.parametrize("kept", [0, 1])
def test_bars_that_move_and_end_before_the_next_turn_leave_no_window_behind(shards: int, kept: int) -> None:
    """hear C ... close | C becomes E, since long ago | all trades of C in a window but `kept` cancelled | amend"""
    with short_windows(benchmarks=(), pairs=()):
        ticks = tape(3, 20, 4, amended=0, whole=True)
        change = action("u", "SYMBOL_CHANGE", "C", ex_date=0, other_symbol="E")
        ours = np.flatnonzero(ticks.code == ticks.symbols.index("C"))
        window = ticks.event_time[ours] // (5 * MINUTE)
        gone = ticks.take(ours[window == window[len(window) // 2]][kept:])
        cancels = replace(gone, kind=np.full(len(gone), CANCEL, "i1"))
        world = World(shards, rollups=("5m", "35m"))
        world.do("hear", ticks).do("pass", 3 * DAY).do("tell", change).do("hear", cancels).do("finish")
        assert len(gone)
        assert_truth(world, Ticks.concat([ticks, cancels]), [change])


PROPERTIES: tuple[Callable[[Random], None], ...] = (
    any_order_ends_like_the_batch,
    sessions_are_those_of_the_exchange,
    a_restart_between_any_two_steps_changes_no_byte,
    the_first_interval_is_as_alone,
    a_short_horizon_is_enough,
)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
@settings(max_examples=6, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_holds(holds: Callable[[Random], None], random: Random) -> None:
    with short_windows():
        holds(random)
