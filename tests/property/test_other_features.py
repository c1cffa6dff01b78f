"""State outlives a change of features: what both plans have goes on, what is new begins with the bars that are held.

A world runs under one plan, is restored under another, and is run to its end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import StateError
from tests.oracles.world import (
    FEW,
    MINUTE,
    SHORT,
    Clean,
    World,
    action,
    draw_moves,
    draw_records,
    draw_tape,
    short_windows,
    tape,
)
from udfs import batch
from udfs.expressions import expression
from udfs.feature_shard import FeatureShard
from udfs.fold import Due, fold
from udfs.frame import CROSS_ASSET, FACTORS, INDICATORS, Frame
from udfs.log import Horizon
from udfs.packs import across, oscillators
from udfs.plan import Plan
from udfs.registry import Feature

CORE = [step.feature for step in SHORT._steps]
MORE = [
    *(replace(row, params={k: FEW.get(v, v) for k, v in row.params.items()}) for row in oscillators.FEATURES[:6]),
    *expression("pull", "(ema(close, 5) - turnover / volume) / atr(high, low, close, 5)"),
]
RENAMED = {"ema": {"period": 9}, "rsi": {"period": 6}}
LOOKING = [*across.FEATURES[:3], *expression("fast", "rank(rocp(close, 3))")]
Cells = dict[tuple[int, str, str], bytes]
few = settings(deadline=None, max_examples=12)


def draw_plan(random: Random) -> Plan:
    """Some rows of the core, always with the returns that the cross-section reads, and of more."""
    kept = [row for row in CORE if row.name in ("log_return", "log_return_lag") or random.random() < 0.6]
    kept = [row.at(**RENAMED[row.name]) if row.name in RENAMED and random.random() < 0.3 else row for row in kept]
    if "log_return" in {name for row in kept for name in row.inputs}:
        kept.sort(key=lambda row: row.name != "log_return")
    return Plan("1m", list({row.outputs: row for row in [*kept, *random.sample(MORE[:6], 2), *MORE[6:]]}.values()))


def standing(frames: Sequence[Frame], view: str) -> Cells:
    """Every number that stands, by time, symbol and column."""
    rows: dict[tuple[int, str], tuple[tuple[str, ...], np.ndarray]] = {}
    for frame in frames:
        if frame.view == view:
            for name in frame.removed:
                rows.pop((frame.event_time, name), None)
            rows |= {(frame.event_time, s): (frame.names, v) for s, v in zip(frame.symbols, frame.values, strict=True)}
    return {(*key, name): value.tobytes() for key, (names, values) in rows.items()
            for name, value in zip(names, values, strict=True)}  # fmt: skip


def cells(table: pa.Table, names: Sequence[str]) -> Cells:
    """The same of a batch."""
    times, symbols = table["event_time"].cast(pa.int64()).to_pylist(), table["symbol"].to_pylist()
    columns = {name: table[name].to_numpy() for name in names}
    return {(time, symbol, name): column[i].tobytes() for name, column in columns.items()
            for i, (time, symbol) in enumerate(zip(times, symbols, strict=True))}  # fmt: skip


def under(world: World, plan: Plan, factors: Sequence[Feature] = ()) -> World:
    """The world restored under other features."""
    world.plan = plan
    world.shape["factors"] = factors
    return world.do("restart")


def assert_same(found: Cells, wanted: Cells, since: int = 0) -> None:
    """What stands of the columns wanted is what is wanted, and all of it where a time is after `since`."""
    assert [key for key in wanted.keys() & found.keys() if found[key] != wanted[key]] == []
    assert [key for key in wanted if key[0] > since and key not in found] == []


@few
@given(st.randoms(use_true_random=False))
def test_a_world_restored_under_another_plan_ends_like_a_clean_run_of_it(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
        moves, (one, other) = draw_moves(random, ticks, actions), (draw_plan(random) for _ in "ab")
        half, world = random.randint(0, len(moves)), World(random.randint(1, 3), plan=one)
        for move in moves[:half]:
            world.do(*move)
        since = max((shard.base.clock for shard in world.simulation.features), default=0)
        under(world, other).run(moves[half:])
        clean = Clean.of(ticks, actions, other)
        assert world.state() == clean.state
        assert_same(standing(world.frames, INDICATORS), cells(clean.table, other.outputs), since)


@few
@given(st.randoms(use_true_random=False))
def test_factors_too(random: Random) -> None:
    with short_windows():
        ticks, actions = draw_tape(random), draw_records(random, random.choice([0, 1, 3]))
        moves, (one, other) = draw_moves(random, ticks, actions), (random.sample(LOOKING[:3], 2) for _ in "ab")
        other += LOOKING[3:]
        half, world = random.randint(0, len(moves)), World(2, factors=one)
        for move in moves[:half]:
            world.do(*move)
        since = world.simulation.factors[0].base.clock
        under(world, SHORT, other).run(moves[half:])
        clean = Clean.of(ticks, actions, factors=other)
        names = Plan("1m", other).outputs
        assert_same(standing(world.frames, FACTORS), cells(clean.table, names), since)


@pytest.mark.parametrize("seed", range(4))
def test_new_features_begin_with_the_first_bar_that_is_held(seed: int) -> None:
    # bars     1 … 25 | 26 … 50    the log reaches back to an anchor between 10 and 13
    ticks = tape(seed, 50, 6, 0, whole=True)
    ticks = ticks.take(np.argsort(ticks.event_time, kind="stable"))
    split = action("s", "SPLIT", "A", numerator=2, ex_date=2)
    one, other = Plan("1m", CORE), Plan("1m", [*MORE, *CORE[:9]])
    ends = np.unique((ticks.event_time // MINUTE + 1) * MINUTE).tolist()
    with short_windows():
        world = World(1, Horizon(12, 3), one).do("tell", split)
        for end in ends:
            world.do("hear", ticks.take((ticks.event_time // MINUTE + 1) * MINUTE == end)).do("pass", end)
            if end == ends[37]:
                world = under(world, other)
                shard = world.simulation.features[0].base
                base, held = shard.log.anchors[0], dict(shard.log.slots)
        assert 0 < len(held) < 16
        clean = Clean.of(ticks, [split], other)
    names = [name for row in CORE[:9] for name in row.outputs]
    found, shard = standing(world.frames, INDICATORS), world.simulation.features[0].base
    assert_same(found, cells(clean.table, names), ends[37])
    seeded = since_horizon(shard, clean, ticks, base)
    assert_same({key: found[key] for key in seeded if key[0] > ends[37]}, seeded, ends[37])
    assert any(cells(clean.table, [key[2]])[key] != value for key, value in seeded.items()), "it would tell nothing"


def since_horizon(shard: FeatureShard, clean: Clean, ticks: object, base: int) -> Cells:
    """A clean run of the new features over the bars that ended after a time."""
    plan = Plan("1m", MORE)
    bars = [(end, slot) for end, slot in clean_slots(ticks) if end > base]
    rows = np.array([shard.rows[name] for _, names in bars for name in names[0]])
    times = np.repeat([end for end, _ in bars], [len(names[0]) for _, names in bars])
    values = np.concatenate([names[1] for _, names in bars])
    features = fold(plan, plan.blank(len(shard.names)), rows, times, values, due(shard, base))
    return {(int(time), shard.names[row], name): value.tobytes()
            for time, row, line in zip(times, rows, features, strict=True)
            for name, value in zip(plan.outputs, line, strict=True)}  # fmt: skip


def due(shard: FeatureShard, base: int) -> Due:
    """The actions after a time."""
    later = {name: [each for each in of if each.ex_time_us >= base] for name, of in shard.actions.adjustments.items()}
    return Due.of(later, shard.rows)


def clean_slots(ticks: object) -> list[tuple[int, tuple[list[str], np.ndarray]]]:
    """The bars of all records by time."""
    from tests.oracles.world import final_bars

    tape_of = batch.read_bars(final_bars(ticks), "1m")
    found = []
    for end in np.unique(tape_of.times).tolist():
        here = np.flatnonzero(tape_of.times == end)
        found.append((end, ([tape_of.names[i] for i in tape_of.rows[here].tolist()], tape_of.values[here])))
    return found


def test_windows_of_the_cross_section_may_change() -> None:
    ticks, moves = tape(5, 60, 20, 0, whole=True), []
    ends = np.unique((ticks.event_time // MINUTE + 1) * MINUTE).tolist()
    for end in ends:
        moves += [("hear", ticks.take((ticks.event_time // MINUTE + 1) * MINUTE == end)), ("pass", end)]
    found: Mapping[int, Cells] = {}
    for horizon in (10_000, 4):
        with short_windows():
            world = World(2, Horizon(horizon, 3))
            for move in moves[:90]:
                world.do(*move)
        with short_windows(windows=(4, 24)):
            world.do("restart").run(moves[90:])
            clean = Clean.of(ticks, [])
        names = [name for name in clean.table.column_names if name.startswith("beta_market")]
        assert len(names) > 1
        rows = standing(world.frames, CROSS_ASSET)
        found = {**found, horizon: rows}
        full = [name for name in names if horizon > 100 or name.endswith("_4")]
        assert_same(rows, cells(clean.table, full), ends[44])
        assert_same(rows, {k: v for k, v in cells(clean.table, names).items() if k[0] > ends[57]}, ends[57])
    early = (ends[46], "A", "beta_market_24")
    assert np.isnan(np.frombuffer(found[4][early])) != np.isnan(np.frombuffer(found[10_000][early]))


def test_other_rollups_are_refused() -> None:
    with short_windows():
        world = World(1, rollups=("5m",)).run([("hear", tape(1, 10))])
        for rollups in ((), ("15m",), ("5m", "15m")):
            world.shape["rollups"] = rollups
            with pytest.raises(StateError, match="the state has bars of 5m beside the shortest, the settings have"):
                world.do("restart")
