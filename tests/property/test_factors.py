"""Factors across the universe, in whatever order the world is heard: they end where a clean run ends."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.world import DAY, Clean, World, action, draw_moves, draw_records, draw_tape, short_windows, tape
from udfs import catalogue
from udfs.bars import COLUMNS
from udfs.expressions import expression
from udfs.packs.alpha101 import FEATURES, TEXTS
from udfs.plan import Plan
from udfs.registry import Feature

MOST = 6  # bars that a short tape has room for
LATER = {"turnover"} - set(COLUMNS)


def alphas() -> tuple[Feature, ...]:
    """The alphas that have a value within a few bars, with their parts."""
    plan = Plan("1m", FEATURES)
    by_output = {output: row for row in FEATURES for output in row.outputs}

    def reads(name: str) -> set[str]:
        return {name} if name not in by_output else set().union(*(reads(each) for each in by_output[name].inputs))

    names = {name for name in TEXTS if plan.lookback(name) <= MOST and not reads(name) & LATER}
    last = [k for k, row in enumerate(FEATURES) if row.outputs[0] in TEXTS]
    starts = dict(zip((FEATURES[k].outputs[0] for k in last), [0, *(k + 1 for k in last[:-1])], strict=True))
    return tuple(row for k in last if (name := FEATURES[k].outputs[0]) in names
                 for row in FEATURES[starts[name] : k + 1])  # fmt: skip


ROWS = (
    *catalogue.rows("across"),
    *expression(
        "nested", "rank(delay(rank(close), 2) + correl(rank(volume), rank(close), 3)) - delay(close, 1) / close"
    ),
    *alphas(),
)
few = settings(deadline=None, max_examples=25)


def test_some_alphas_are_there():
    assert len(Plan("1m", alphas()).outputs) >= 9


@few
@given(st.randoms(use_true_random=False))
def test_any_order_ends_like_the_batch(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 1, 2, 3, 5]))
        world = World(random.randint(1, 4), factors=ROWS).run(draw_moves(random, ticks, actions))
        assert world.rows() == Clean.of(ticks, actions, factors=ROWS).rows


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
