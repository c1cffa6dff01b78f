"""However bars are cut, shared out or restored, and whatever is heard late: the cross-section has the same bytes.

The first half is `Panel` alone; the second the whole way from ticks, of every view, beside the batch.
"""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.settings import settings as settings_of
from tests.oracles.world import (
    SHORT,
    Action,
    World,
    as_table,
    draw_moves,
    draw_records,
    draw_tape,
    final_bars,
    short_windows,
)
from udfs import batch
from udfs.crossed import KEYS
from udfs.frame import PAIRS, SYMBOL_VIEWS, UNIVERSE
from udfs.panel.columns import Columns
from udfs.panel.panel import Panel, Section
from udfs.rollup import chain
from udfs.table import table
from udfs.tick_files import KINDS
from udfs.ticks import Ticks

BARS = 80
VIEWS = {batch.FEATURES: SYMBOL_VIEWS, UNIVERSE: (UNIVERSE,), PAIRS: (PAIRS,)}
FEATURES = [step.feature for step in SHORT._steps]
Content = dict[tuple[Any, ...], tuple[Any, ...]]
shapes = st.fixed_dictionaries(
    {
        "windows": st.sampled_from([(3,), (5, 12), (30,), (2 + 2, 20)]),
        "decays": st.sampled_from([(), (0.05,), (0.5,), (0.3, 0.7)]),
        "gaps": st.sampled_from(["exclude", "carry"]),
        "min_returns": st.sampled_from([2, 4]),
        "returns": st.sampled_from(["log", "simple"]),
        "peers": st.integers(1, 3),
        "loadings": st.integers(0, 3),
        "cluster_cut": st.sampled_from([0.0, 1.0]),
    }
)


def logs(seed: int, members: int) -> np.ndarray:
    """Returns with gaps, an outlier, ties and flat stretches; who joins and who leaves."""
    random = np.random.default_rng(seed)
    rough = random.random(members) < 0.3
    found = np.where(rough, random.integers(-1, 2, (BARS, members)) / 64, random.normal(0, 0.02, (BARS, members)))
    found[random.random(found.shape) < 0.03] = np.nan
    found[random.integers(BARS), random.integers(members)] = 9.0
    found[: random.integers(BARS), 0] = np.nan
    found[random.integers(BARS) :, -1] = np.nan
    return found


class Tape:
    """Returns, benchmarks and pairs of each bar, and what a panel says of them."""

    def __init__(self, shape: dict[str, Any], seed: int, members: int) -> None:
        of = {"benchmarks": ("B",), "pairs": ("A|B", "D|C")} | shape
        self.columns = Columns(settings_of().cross_asset.model_copy(update=of))
        random = np.random.default_rng(seed + 1)
        self.logs = logs(seed, members)
        self.wanted = random.integers(-1, members, (BARS, 1)), random.integers(-1, members, (BARS, 2, 2))

    def panel(self, bar: int = 0, rows: np.ndarray | None = None) -> Panel:
        """One that has heard all bars before this one, from the ring."""
        return Panel(self.columns, self.logs[max(0, bar - self.columns.reach) : bar], bar - 1, rows)

    def run(self, panel: Panel, cuts: list[int], start: int = 0, stop: int = BARS) -> list[Section]:
        """Bars up to `stop` in the blocks between these cuts."""
        bounds = [start, *sorted(cut for cut in set(cuts) if start < cut < stop), stop]
        parts = [slice(a, b) for a, b in pairwise(bounds)]
        return [each for at in parts for each in panel.advance(self.logs[at], *(of[at] for of in self.wanted))]


def packed(sections: list[Section]) -> list[list[bytes]]:
    return [[each.tobytes() for each in section] for section in sections]


@settings(deadline=None, max_examples=6)
@given(shapes, st.integers(0, 10**6), st.integers(1, 6), st.sets(st.integers(1, BARS - 1)), st.data())
def test_bars_blocks_and_restores(shape, seed, members, cuts, data):
    of, at = Tape(shape, seed, members), data.draw(st.integers(1, BARS - 1), label="restored at")
    expected = packed(of.run(of.panel(), list(range(BARS))))
    assert packed(of.run(of.panel(), [])) == expected
    assert packed(of.run(of.panel(), list(cuts))) == expected
    assert packed(of.run(of.panel(at), list(cuts), at)) == expected[at:]


@settings(deadline=None, max_examples=6)
@given(shapes, st.integers(0, 10**6), st.lists(st.integers(0, 3), min_size=1, max_size=7), st.integers(0, BARS - 1))
def test_scattered_rows(shape, seed, tiles, at):
    of, owner = Tape(shape, seed, len(tiles)), np.array(tiles)
    whole = of.run(of.panel(), [])
    for tile in range(4):
        rows = np.flatnonzero(owner == tile)
        found = of.run(of.panel(at, rows), [at + 7], at)
        for one, part in zip(whole[at:], found, strict=True):
            assert part.numbers.tobytes() == one.numbers[rows].tobytes()
            assert part.members.tobytes() == one.members[rows].tobytes()
            assert packed([part])[0][2:] == packed([one])[0][2:], "universe, pairs, returns"


@settings(deadline=None, max_examples=6)
@given(shapes, st.integers(0, 10**6), st.integers(2, 5), st.data())
def test_a_column_without_returns_changes_no_byte(shape, seed, members, data):
    # a ring that never heard of a member, and one that has its column
    of, place = Tape(shape, seed, members), data.draw(st.integers(0, members), label="column")
    wide = Tape(shape, seed, members)
    wide.logs = np.insert(of.logs, place, np.nan, axis=1)
    wide.wanted = tuple(np.where(each >= place, each + 1, each) for each in of.wanted)
    rows = np.delete(np.arange(members + 1), place)
    for one, other in zip(of.run(of.panel(), []), wide.run(wide.panel(), []), strict=True):
        assert other.numbers[rows].tobytes() == one.numbers.tobytes()
        moved = np.where(one.members >= place, one.members + 1, one.members)
        assert other.members[rows].tolist() == moved.tolist()
        assert packed([other])[0][2:4] == packed([one])[0][2:4], "universe, pairs"


def clean(ticks: Ticks, actions: list[Action], interval: str, rollups: tuple[str, ...]) -> dict[str, pa.Table]:
    """The batch over all that is true, known from the start; ticks say nothing of longer bars."""
    bars, known, of = final_bars(ticks), as_table(actions), "1m"
    for each in chain("1m", interval, rollups) if rollups else ():
        bars, of = batch.roll_up(bars, known, of, each), each
    file = as_file(ticks)
    return batch.compute_views(bars, known, interval, features=FEATURES, ticks=file[: 0 if rollups else len(file)])


def as_file(ticks: Ticks) -> pa.Table:
    """Records as a Parquet file of ticks has them; ids as text."""
    names = {"symbol": np.array(ticks.symbols, object)[ticks.code], "kind": np.array(KINDS, object)[ticks.kind]}
    numbers = {name: getattr(ticks, name) for name in ("event_time", "price", "size", "sequence")}
    return pa.table(names | numbers | {"trade_id": [str(name) for name in ticks.trade_id.tolist()]})


def content(found: pa.Table, view: str, like: pa.Schema) -> Content:
    """Rows by their keys and time: bytes of numbers, texts as they are; columns of `like`, null if nobody said any."""
    columns: dict[str, list[Any]] = {}
    for name in like.names:
        text = pa.types.is_string(like.field(name).type)
        if name not in found.column_names:
            columns[name] = [None if text else np.float64("nan").tobytes()] * found.num_rows
        elif text:
            columns[name] = found[name].to_pylist()
        else:
            numbers = found[name].cast(pa.int64()) if name == "event_time" else found[name]
            columns[name] = [each.tobytes() for each in numbers.to_numpy()]
    keys = zip(*(columns.pop(name) for name in (*KEYS[VIEWS[view][0]], "event_time")), strict=True)
    return dict(zip(keys, zip(*columns.values(), strict=True), strict=True))


def assert_truth(world: World, ticks: Ticks, actions: list[Action]) -> dict[str, Content]:
    """All views of all intervals are those of the batch."""
    rollups, said = world.shape["rollups"], {}
    for interval in ("1m", *rollups):
        wanted = clean(ticks, actions, interval, rollups if interval != "1m" else ())
        frames = [frame for frame in world.frames if frame.interval in (interval, "" if interval == "1m" else interval)]
        for view, of in VIEWS.items():
            like = wanted[view].schema
            found, truth = content(table(frames, views=of), view, like), content(wanted[view], view, like)
            assert sorted(found) == sorted(truth), (interval, view)
            faults = [(key, name) for key, row in truth.items() for name, one, other in
                      zip(like.names[-len(row) :], row, found[key], strict=True) if one != other]  # fmt: skip
            assert faults == [], (interval, view)
            said[view] = truth
    return said


def draw_of(random: Random) -> dict[str, Any]:
    """Settings of a world."""
    return {
        "tiles": random.choice([1, 2, 4]), "gaps": random.choice(["exclude", "carry"]), "min_returns": 2,
        "windows": random.choice([(4,), (3, 6)]), "decays": random.choice([(), (0.05,), (0.5,)]),
        "members": random.choice(["all", "all", "joined"]), "returns": random.choice(["log", "simple"]),
        "pairs": ("A|B", "D|C", "E|Z"), "benchmarks": ("B", "D"),
    }  # fmt: skip


def any_order_ends_like_the_batch(random: Random) -> None:
    """Late ticks, cancels, corrections, actions heard whenever, restarts."""
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 2, 4]))
    with short_windows(**draw_of(random)):
        world = World(random.randint(1, 3)).run(draw_moves(random, ticks, actions))
        assert_truth(world, ticks, actions)


def longer_intervals_are_the_batch(random: Random) -> None:
    """Several at once."""
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
    with short_windows(**draw_of(random)):
        world = World(random.randint(1, 3), rollups=("5m", "7m")).run(draw_moves(random, ticks, actions))
        assert_truth(world, ticks, actions)


def a_restart_between_any_two_steps_changes_no_byte(random: Random) -> None:
    """Of what is emitted, and of what is stored."""
    ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
    moves = [move for move in draw_moves(random, ticks, actions) if move[0] != "restart"]
    with short_windows(**draw_of(random)):
        never = World(2).run(moves)
        always = World(2).run([each for move in moves for each in (move, ("restart", None))])
    assert [frame.pack() for frame in always.frames] == [frame.pack() for frame in never.frames]
    assert always.stores == never.stores


PROPERTIES: tuple[Callable[[Random], None], ...] = (
    any_order_ends_like_the_batch,
    longer_intervals_are_the_batch,
    a_restart_between_any_two_steps_changes_no_byte,
)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
@settings(max_examples=5, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_holds(holds: Callable[[Random], None], random: Random) -> None:
    holds(random)


@pytest.mark.parametrize("seed", [1045, 1046, 1059])
def test_a_bar_that_becomes_another_security_s_keeps_its_writer(seed: int) -> None:
    # several tiles; with rows by security, one tile took back what another one said
    (any_order_ends_like_the_batch if seed < 1050 else longer_intervals_are_the_batch)(Random(seed))
