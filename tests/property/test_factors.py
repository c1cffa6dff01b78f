"""Factors across the universe, in whatever order the world is heard: they end where a clean run ends."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.world import (
    DAY,
    SHORT,
    Clean,
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
from udfs.expressions import expression
from udfs.packs.alpha101 import FEATURES, FUNCTIONS, TEXTS
from udfs.plan import Plan
from udfs.registry import Feature
from udfs.table import table

CORE = [step.feature for step in SHORT._steps]
ROLLUPS = ("5m", "15m")
MOST = 6  # bars that a short tape has room for


def alphas() -> tuple[Feature, ...]:
    """The alphas that have a value within a few bars, with their parts."""
    plan = Plan("1m", FEATURES)
    names = [name for name in TEXTS if plan.lookback(name) <= MOST]
    return tuple(row for name in names for row in expression(name, TEXTS[name], FUNCTIONS))


ROWS = (
    *catalogue.rows("across"),
    *expression(
        "nested", "rank(delay(rank(close), 2) + correl(rank(volume), rank(close), 3)) - delay(close, 1) / close"
    ),
    *alphas(),
)
few = settings(deadline=None, max_examples=25)


def test_some_alphas_are_there():
    assert len(Plan("1m", alphas()).outputs) >= 12


@few
@given(st.randoms(use_true_random=False))
def test_any_order_ends_like_the_batch(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 1, 2, 3, 5]))
        world = World(random.randint(1, 4), factors=ROWS).run(draw_moves(random, ticks, actions))
        assert world.rows() == Clean.of(ticks, actions, factors=ROWS).rows


@few
@given(st.randoms(use_true_random=False))
def test_bars_of_longer_intervals_end_like_the_batch(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 2, 3]))
        world = World(random.randint(1, 4), rollups=ROLLUPS, factors=ROWS).run(draw_moves(random, ticks, actions))
        bars, of, known = final_bars(ticks), "1m", as_table(actions)
        for each in ROLLUPS:
            bars, of = batch.roll_up(bars, known, of, each), each
            wanted = batch.compute(bars, known, each, features=CORE, factors=ROWS)
            assert bits(table([frame for frame in world.frames if frame.interval == each])) == bits(wanted)


def test_a_late_split_moves_what_was_measured_of_others_only_from_its_day_on() -> None:
    # the ranks of closes after the split are others; those before it stay what they were
    with short_windows():
        ticks = tape(3, 40, density=30, amended=0)
        split = action("s", "SPLIT", "A", numerator=2)
        world = World(3, factors=ROWS).run([("hear", ticks), ("pass", 2 * DAY), ("tell", split)])
        clean = Clean.of(ticks, [split], factors=ROWS)
        assert world.rows() == clean.rows
    frames = [frame for frame in world.frames if frame.view == "factors"]
    assert {frame.shard for frame in frames} == {0}
    assert any(len(frame.symbols) == 5 for frame in frames if not frame.revision)
    amended = [frame for frame in frames if frame.revision]
    assert amended
    assert min(frame.event_time for frame in amended) > DAY
    assert any("A" not in frame.symbols or len(frame.symbols) > 1 for frame in amended)


@few
@given(st.randoms(use_true_random=False))
def test_a_restart_between_any_two_steps_changes_no_byte(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 2]))
        moves = [move for move in draw_moves(random, ticks, actions) if move[0] != "restart"]
        never = World(2, factors=ROWS).run(moves)
        always = World(2, factors=ROWS).run([each for move in moves for each in (move, ("restart", None))])
    assert [frame.pack() for frame in always.frames] == [frame.pack() for frame in never.frames]
    assert always.stores == never.stores
