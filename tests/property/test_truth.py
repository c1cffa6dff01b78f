"""Whatever order the world is heard in, it ends where a clean run ends: the same rows, state and stored bytes.

Each property is a function of a `random.Random`; `python -m tests.bench.properties` runs the same ones on
thousands of worlds. Where stored bytes are compared, keys are left out whose purpose is to remember what was said:
c/ (records heard), v/ (numbers of amendments), l (whose anchors there are, if any), m (clock and counters).
"""

import json
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.world import (
    DAY,
    MINUTE,
    Action,
    Bits,
    Clean,
    Move,
    World,
    action,
    bits,
    draw_action,
    draw_moves,
    draw_records,
    draw_tape,
    line,
    short_windows,
    tape,
)
from udfs import packing
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.table import table
from udfs.tick_shard import FATES
from udfs.ticks import Ticks

Property = Callable[[Random], None]
MEMORY = ("c", "v", "l", "m")


def any_order_ends_like_the_batch(random: Random) -> None:
    """P2."""
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 1, 2, 3, 5]))
    world = World(random.randint(1, 4)).run(draw_moves(random, ticks, actions))
    assert_truth(world, ticks, actions)
    assert_in_order(world)
    assert_settled(world, ticks)


def announced_and_cancelled_leaves_no_byte(random: Random) -> None:
    """P3."""
    moves, said = some_moves(random), draw_action(random, "extra")
    detour = put(random, moves, ("tell", said), ("tell", said | {"version": 2, "function": "CANCEL"}))
    assert_same(World().run(detour), World().run(moves))


def two_actions_in_either_order_are_the_same(random: Random) -> None:
    """P4."""
    moves, one, other = some_moves(random), draw_action(random, "extra"), draw_action(random, "other")
    at = put(random, moves, ("tell", one), ("tell", other))
    swapped = [("tell", other) if move[1] is one else ("tell", one) if move[1] is other else move for move in at]
    assert_same(World().run(at), World().run(swapped))


def said_twice_is_said_once(random: Random) -> None:
    """P5: an action changes no stored byte and emits nothing; ticks emit nothing, and are counted."""
    world = World()
    for move in some_moves(random):
        world.do(*move)
        if move[0] == "tell":
            before, emitted = deepcopy(world.stores), len(world.frames)
            assert world.do(*move).stores == before
            assert len(world.frames) == emitted
        if move[0] == "hear" and random.random() < 0.3:
            emitted = len(world.do("amend").frames)
            assert len(world.do(*move).do("amend").frames) == emitted


def provisional_then_final_is_final_from_the_start(random: Random) -> None:
    """P10: by a new version, or by a new status of the same one."""
    moves, final = some_moves(random), draw_action(random, "extra")
    guess = draw_action(random, "extra") | {"status": "PROVISIONAL"}
    final |= random.choice([{"version": 2, "function": "REPLACE"}, {"known_at": 5}])
    both = put(random, moves, ("tell", guess), ("tell", final))
    assert_same(World().run(both), World().run([move for move in both if move[1] is not guess]))


def a_restart_between_any_two_steps_changes_no_byte(random: Random) -> None:
    """P11, with as many shards as before; another parallelism is a test of the job's."""
    moves, shards = [move for move in some_moves(random) if move[0] != "restart"], random.randint(1, 4)
    never = World(shards).run(moves)
    always = World(shards).run([each for move in moves for each in (move, ("restart", None))])
    assert [frame.pack() for frame in always.frames] == [frame.pack() for frame in never.frames]
    assert always.stores == never.stores


def as_known_then_is_what_a_batch_knew_and_stays(random: Random) -> None:
    """P9: the log read as known at T is final once the bar of T has closed, and is the batch of what was heard by then.

    Without amendments of other bars' trades, which are heard with the bar that they came in, and applied after it.
    """
    ticks = draw_tape(random, strays=False)
    world, reads, moves = World(), {}, draw_moves(random, ticks, draw_records(random, 3))
    heard: list[Ticks] = []
    told: list[Action] = []
    for what, how in moves:
        heard += [how] if what == "hear" else []
        told += [how] if what == "tell" else []
        world.do("amend").do(what, how)
        at = how // MINUTE * MINUTE if what == "pass" else 0
        if heard and at > max(reads, default=0):
            known = Ticks.concat(heard)
            reads[at] = bits(table(world.frames, at))
            closed = known.take(known.event_time < at)
            assert differing(reads[at], Clean.of(closed, told).rows if len(closed) else {}) == []
    world.do("finish")
    for at, read in reads.items():
        assert bits(table(world.frames, at)) == read


def heard_late_is_heard_in_time(random: Random, bars: int = 0) -> None:
    """P6: some ticks of a bar and an action, each heard so many bars after its own."""
    ticks = tape(random.randrange(2**32), 130, random.choice([1, 2]))
    ends = (ticks.event_time // MINUTE + 1) * MINUTE
    times = np.unique(ends)
    late = (ends == random.choice(times.tolist())) & (np.arange(len(ticks)) % 2 == 0)
    said, after = draw_action(random, "late"), (bars or random.choice([1, 5, 20, 60])) * MINUTE
    told = int(times[np.searchsorted(times, said["ex_date"] * DAY, "right").clip(max=len(times) - 1)])
    passes = [(int(end), "pass", None) for end in times]
    moves = line(ticks, np.where(late, ends + after, ticks.event_time), [*passes, (told + after, "tell", said)])
    assert_truth(World().run(moves), ticks, [said])


def beyond_the_horizon_nothing_changes(random: Random) -> None:
    """What is older than the horizon is refused and counted; all else is as if that had not been."""
    horizon, ticks = Horizon(random.choice([1, 3, 10, 1500]), random.randint(1, 4)), draw_tape(random, strays=False)
    world, clock, refused = World(random.randint(1, 4), horizon), -(2**62), 0
    heard, told = [], []
    for what, how in draw_moves(random, ticks, draw_records(random, 3)):
        floor = horizon.floor(clock, MINUTE)
        if what == "hear":
            fresh = (how.event_time // MINUTE + 1) * MINUTE >= floor
            heard.append(how.take(fresh))
            refused += int(np.count_nonzero(~fresh))
        if what == "tell" and how not in told:
            same = [how, *(each for each in told if each["event_id"] == how["event_id"])]
            old = any(each["ex_date"] * DAY < floor - MINUTE for each in same)
            told += [] if old else [how]
            refused += old
        if what == "pass":
            clock = max(clock, how // MINUTE * MINUTE)
        world.do(what, how)
        assert world.simulation.refused == refused * (what != "restart")
        refused *= what != "restart"
    assert_truth(world.do("finish"), Ticks.concat(heard), told)


def some_moves(random: Random) -> list[Move]:
    """An order in which a tape and a few actions are heard."""
    return draw_moves(random, draw_tape(random), draw_records(random, random.randint(0, 3)))


def put(random: Random, moves: list[Move], first: Move, second: Move) -> list[Move]:
    """The line with two more moves at any places, the first before the second."""
    i, j = sorted(random.choices(range(len(moves) + 1), k=2))
    return [*moves[:i], first, *moves[i:j], second, *moves[j:]]


def assert_truth(world: World, ticks: Ticks, actions: list[Action]) -> None:
    """Rows and live state are those of the batch over all of it."""
    clean = Clean.of(ticks, actions)
    assert differing(world.rows(), clean.rows) == []
    assert world.state() == clean.state


def assert_same(one: World, other: World) -> None:
    """Rows, live state, and what is stored.

    Left out is what must remember that something was said: how often a bar moved to another security, slots that all
    bars have left, and where the anchors of a shard lie, which follows from when it closed. Those at one place agree.
    """
    assert differing(one.rows(), other.rows()) == []
    assert one.state() == other.state()
    found, wanted = stored(one), stored(other)
    alone = {key for key in found.keys() ^ wanted.keys() if key[1] == "a"}
    assert {key: value for key, value in found.items() if key not in alone} == {
        key: value for key, value in wanted.items() if key not in alone
    }


def stored(world: World) -> dict[tuple[str, ...], Any]:
    """What is kept, by stage, kind and place."""
    found: dict[tuple[str, ...], Any] = {}
    returns: dict[tuple[str, ...], tuple[int, bool, str, float]] = {}
    for name, store in world.stores.items():
        for key, value in store.items():
            kind, *place = key.split("/")
            if kind == "b":
                found |= {(name, kind, *place, who): row for who, row in bars_of(value).items()}
            elif kind == "r":
                for symbol, row in returns_of(value).items():
                    which = name, kind, place[0], symbol
                    returns[which] = max(returns.get(which, row), row)
            elif kind not in MEMORY:
                found[name, kind, *place] = value
    return found | {which: repr(row[2:]) for which, row in returns.items() if row[1]}


def bars_of(value: bytes) -> dict[str, tuple[Any, ...]]:
    """Bars of a slot by security, or by symbol where a slot has counts, which go with them."""
    header, arrays = packing.unpack(value)
    names = header.get("securities", header["symbols"])
    rows = zip(names, header["symbols"], map(bytes, arrays["values"]), strict=True)
    more = {"": (header["revision"], bytes(arrays["counts"]))} if "counts" in arrays else {}
    return {security: (symbol, values) for security, symbol, values in rows} | more


def returns_of(value: bytes) -> dict[str, tuple[int, bool, str, float]]:
    """Of a slot of the universe by symbol: how often its bar moved, whether it is alive, whose it is, the return."""
    header, arrays = packing.unpack(value)
    columns = arrays["moves"].tolist(), arrays["alive"].tolist(), header["securities"], arrays["returns"].tolist()
    return dict(zip(header["symbols"], zip(*columns, strict=True), strict=True))


def differing(found: Bits, wanted: Bits) -> list[tuple[str, int]]:
    """Rows of one and not the other, or with other bytes."""
    return sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))


def assert_in_order(world: World) -> None:
    """A revision never goes back."""
    newest: dict[tuple[str, int, str], int] = {}
    for frame in world.frames:
        for name in [*frame.symbols, *frame.removed]:
            key = frame.view, frame.event_time, name
            assert frame.revision > newest.get(key, -1)
            newest[key] = frame.revision


def assert_settled(world: World, ticks: Ticks) -> None:
    """Nothing waits, each account of size is exact, and each record has one fate."""
    for store in world.stores.values():
        sizes = {key: len(value) for key, value in store.items() if key != "m"}
        assert not [key for key in sizes if key[0] in "dpq"]
        assert json.loads(store.get("m", b'{"bytes": 0}'))["bytes"] == sum(sizes.values())
    fates = [shard.counts for shard in world.simulation.ticks]
    heard, ends = [sum(each[name] for each in fates for name in names) for names in (FATES[:2], FATES[2:])]
    assert heard == ends == len(ticks)


PROPERTIES: tuple[Property, ...] = (
    any_order_ends_like_the_batch,
    announced_and_cancelled_leaves_no_byte,
    two_actions_in_either_order_are_the_same,
    said_twice_is_said_once,
    heard_late_is_heard_in_time,
    as_known_then_is_what_a_batch_knew_and_stays,
    provisional_then_final_is_final_from_the_start,
    a_restart_between_any_two_steps_changes_no_byte,
    beyond_the_horizon_nothing_changes,
)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
@settings(max_examples=8, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_holds(holds: Property, random: Random) -> None:
    with short_windows():
        holds(random)


@pytest.mark.parametrize("bars", [1, 5, 20, 60])
def test_however_late(bars: int) -> None:
    with short_windows():
        heard_late_is_heard_in_time(Random(bars), bars)


def test_the_windows_of_the_registry() -> None:
    ticks, plan = tape(1, 150, 30, whole=True), Plan("1m")
    actions = [action("s", "SPLIT", "A", numerator=2), action("d", "CASH_DIVIDEND", "B", cash_amount=0.5)]
    world = World(2, plan=plan).run(draw_moves(Random(1), ticks, actions))
    clean = Clean.of(ticks, actions, plan)
    assert differing(world.rows(), clean.rows) == []
    assert clean.table["peer_60"].null_count < clean.table.num_rows
