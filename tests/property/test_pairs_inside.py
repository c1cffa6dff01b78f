"""Pairs by the trades inside each bar: the batch's whatever order the world is heard in, and the naive twin's.

Properties are functions of a `random.Random`, as in test_truth.py.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import estimators as naive
from tests.oracles.bars import Record, trades_of
from tests.oracles.world import (
    FEATURES,
    MINUTE,
    Action,
    World,
    as_table,
    draw_moves,
    draw_records,
    final_bars,
    short_windows,
    tape,
)
from udfs import batch
from udfs.frame import PAIRS
from udfs.log import Horizon
from udfs.panel.asynchronous import LAGS, lag_us
from udfs.panel.columns import INSIDE
from udfs.plan import Plan
from udfs.prints import TICK, prints
from udfs.table import table
from udfs.tape import to_ticks
from udfs.tick_files import KINDS, conform
from udfs.ticks import Ticks

RETURNS = [row for row in FEATURES if row.name == "log_return"]
PLAN = Plan("1m", RETURNS)
Rows = dict[tuple[str, int], bytes]


@pytest.fixture(autouse=True, scope="module")
def short():
    with short_windows():
        yield


def as_file(ticks: Ticks) -> pa.Table:
    """Records as a Parquet file of ticks has them; ids as text."""
    names = {"symbol": np.array(ticks.symbols, object)[ticks.code], "kind": np.array(KINDS, object)[ticks.kind]}
    numbers = {name: getattr(ticks, name) for name in ("event_time", "price", "size", "sequence")}
    return pa.table(names | numbers | {"trade_id": [str(name) for name in ticks.trade_id.tolist()]})


def draw_file(random: Random) -> pa.Table:
    bars, density = random.choice([3, 6, 12]), random.choice([3, 10, 25])
    return as_file(tape(random.randrange(2**32), bars, density, random.choice([0, 0.15, 0.5]), list("ABCD")))


def rows(found: pa.Table) -> Rows:
    """The view's rows as bytes."""
    if not len(found):
        return {}
    names = ["|".join(pair) for pair in zip(*(found[key].to_pylist() for key in ("symbol_a", "symbol_b")), strict=True)]
    numbers = np.column_stack([found[name].to_numpy() for name in found.column_names[3:]])
    times = found["event_time"].cast(pa.int64()).to_pylist()
    return dict(zip(zip(names, times, strict=True), map(bytes, numbers), strict=True))


def emitted(world: World) -> Rows:
    """What stands in the end, of the shortest interval."""
    return rows(table([each for each in world.frames if each.interval == "1m"], views=(PAIRS,)))


def clean(file: pa.Table, actions: list[Action] | None = None) -> pa.Table:
    """The batch over everything, known from the start."""
    bars, known = final_bars(to_ticks(conform(file))), as_table(actions or [])
    return batch.compute_views(bars, known, "1m", features=RETURNS, ticks=file)[PAIRS]


def pairs_end_like_the_batch(random: Random) -> None:
    """In whatever order trades and actions are heard; a revision never goes back."""
    file, actions = draw_file(random), draw_records(random, random.choice([0, 0, 1, 3]))
    rollups = random.choice([(), ("5m",)])
    world = World(random.randint(1, 4), plan=PLAN, rollups=rollups)
    world.run(draw_moves(random, to_ticks(conform(file)), actions))
    assert emitted(world) == rows(clean(file, actions))
    newest: dict[tuple[int, str], int] = {}
    for frame in (each for each in world.frames if each.view == PAIRS and each.interval == "1m"):
        for name in [*frame.symbols, *frame.removed]:
            assert frame.revision > newest.get((frame.event_time, name), -1)
            newest[frame.event_time, name] = frame.revision


def pairs_know_no_restart(random: Random) -> None:
    """Not a byte of what is emitted or stored."""
    moves = draw_moves(random, to_ticks(conform(draw_file(random))), [])
    never = World(2, plan=PLAN).run([move for move in moves if move[0] != "restart"])
    always = World(2, plan=PLAN).run([each for move in moves for each in (move, ("restart", None))])
    assert [frame.pack() for frame in always.frames] == [frame.pack() for frame in never.frames]
    assert always.stores == never.stores


PROPERTIES: tuple[Callable[[Random], None], ...] = (pairs_end_like_the_batch, pairs_know_no_restart)


@pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)
@settings(max_examples=20, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_holds(holds: Callable[[Random], None], random: Random) -> None:
    holds(random)


def test_the_naive_twin() -> None:
    known = 0
    for seed in range(5):
        ticks = tape(seed, 6, 25, 0.3, list("ABCD"), whole=True)
        found, wanted = clean(as_file(ticks)), paths_of(ticks)
        pairs = zip(found["symbol_a"].to_pylist(), found["symbol_b"].to_pylist(), strict=True)
        times = found["event_time"].cast(pa.int64()).to_pylist()
        for row, pair, end in zip(found.select(INSIDE).to_pylist(), pairs, times, strict=True):
            known += not math.isnan(row["lead_lag_strength"])
            assert_twin(row, *(wanted.get((end, name)) for name in pair))
    assert known > 20


def paths_of(ticks: Ticks) -> dict[tuple[int, str], tuple[np.ndarray, np.ndarray]]:
    """Times and prices of the trades that stand, by bar end and symbol."""
    symbols = np.array(ticks.symbols, object)[ticks.code].tolist()
    columns = [
        getattr(ticks, name).tolist() for name in ("event_time", "price", "size", "sequence", "trade_id", "kind")
    ]
    records = [Record(*row)._replace(trade_id=str(row[5])) for row in zip(symbols, *columns, strict=True)]
    found = defaultdict(list)
    for row in sorted(trades_of(records)[0], key=lambda row: (row.event_time, row.sequence)):
        found[(row.event_time // MINUTE + 1) * MINUTE, row.symbol].append((row.event_time, row.price))
    return {key: (np.array([t for t, _ in of]), np.array([p for _, p in of])) for key, of in found.items()}


def assert_twin(row: dict[str, float], x: naive.Ticks | None, y: naive.Ticks | None) -> None:
    """Every pair of steps, every time at which both have traded anew, every lag."""
    if x is None or y is None:
        assert all(map(math.isnan, row.values()))
        return
    covariance, size = naive.refresh_covariance([x, y]), naive.hayashi_yoshida(x, x) * naive.hayashi_yoshida(y, y)
    lags = [naive.lead_lag(x, y, k * lag_us(MINUTE)) for k in range(-LAGS, LAGS + 1)] if size > 0 else [math.nan] * 41
    wanted = {
        "hy_cov": naive.hayashi_yoshida(x, y),
        "hy_corr": lags[LAGS],
        "refresh_cov": covariance[0, 1],
        "refresh_corr": covariance[0, 1] / math.sqrt(covariance[0, 0] * covariance[1, 1] or math.nan),
        "refresh_n": len(naive.refresh_times([x, y])),
    }
    for name, value in wanted.items():
        assert row[name] == pytest.approx(value, abs=1e-12, nan_ok=True), name
    if not size > 0:
        assert all(math.isnan(row[name]) for name in INSIDE[5:])
        return
    assert max(map(abs, lags)) == pytest.approx(abs(row["lead_lag_corr"]), abs=1e-12)
    assert lags[LAGS + round(row["lead_lag_us"]) // lag_us(MINUTE)] == pytest.approx(row["lead_lag_corr"], abs=1e-12)
    before, after = (math.fsum(each * each for each in of) for of in (lags[:LAGS], lags[LAGS + 1 :]))
    if before > 1e-9:
        assert row["lead_lag_strength"] == pytest.approx(after / before, rel=1e-9)


def test_who_leads() -> None:
    # B does a second later what A does
    rng = np.random.default_rng(0)
    steps, n = np.sort(rng.choice(np.arange(1, 50_000), 80, replace=False)) * 1000, 80
    price = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-3, n))), 4)
    times = np.concatenate([steps, steps + 1_000_000])
    symbols, again = np.repeat(["A", "B"], n), np.concatenate([price, price])
    file = pa.table({"symbol": symbols, "event_time": times, "price": again, "size": np.ones(2 * n),
                     "sequence": np.arange(2 * n)})  # fmt: skip
    (row,) = clean(file).to_pylist()
    assert (row["symbol_a"], row["symbol_b"], row["lead_lag_us"]) == ("A", "B", 1_000_000)
    assert row["lead_lag_corr"] == pytest.approx(1.0, abs=1e-12)
    assert row["lead_lag_strength"] > 2.0
    assert abs(row["hy_corr"]) < 0.5


def test_bars_alone_are_read_as_their_prints() -> None:
    bars = final_bars(tape(3, 12, 10, 0.2, list("ABCD"), whole=True)).select(batch.REQUIRED)
    printed = prints(bars, MINUTE)
    file = printed.set_column(6, "kind", pa.array(["TRADE"] * len(printed)))
    found = [batch.compute_views(bars, None, "1m", features=RETURNS, ticks=ticks)[PAIRS] for ticks in (None, file)]
    assert rows(found[0]) == rows(found[1])
    assert not np.isnan(found[0]["hy_corr"].to_numpy()).all()


def test_bars_that_are_rolled_up_have_none() -> None:
    file = as_file(tape(1, 40, 10, 0.1, list("ABCD"), whole=True))
    world = World(plan=PLAN, rollups=("5m",)).run(draw_moves(Random(1), to_ticks(conform(file)), []))
    live = table([each for each in world.frames if each.interval == "5m"], views=(PAIRS,))
    bars = batch.roll_up(final_bars(to_ticks(conform(file))), None, "1m", "5m")
    wanted = batch.compute_views(bars, None, "5m", features=RETURNS, ticks=TICK.empty_table())[PAIRS]
    assert rows(live) == rows(wanted) != {}
    assert all(np.isnan(live[name].to_numpy()).all() for name in INSIDE)


def test_a_trade_that_moves_no_bar_changes_its_own_time_alone() -> None:
    # in the middle of a bar, so that no return differs; in another process
    ticks = tape(2, 12, 40, 0, list("ABCD"), whole=True)
    ends, ours = (ticks.event_time // MINUTE + 1) * MINUTE, np.array(ticks.symbols)[ticks.code] == "A"
    end = int(np.unique(ends)[6])
    late = np.flatnonzero((ends == end) & ours)[2:3]
    world = World(plan=PLAN).do("hear", ticks.take(np.setdiff1d(np.arange(len(ticks)), late)))
    world.do("pass", int(ends.max())).do("restart")
    said = len(world.frames)
    world.do("hear", ticks.take(late)).do("amend")
    changed = [each for each in world.frames[said:] if each.view == PAIRS]
    assert [(each.event_time, each.revision, each.symbols, each.removed) for each in changed] == [(end, 1, ["A|B"], [])]
    assert emitted(world) == rows(clean(as_file(ticks)))


def test_no_more_is_kept_than_can_change() -> None:
    ticks = tape(4, 30, 10, 0, list("ABCD"), whole=True)
    world = World(plan=PLAN, horizon=Horizon(5)).do("hear", ticks)
    ends = np.unique((ticks.event_time // MINUTE + 1) * MINUTE).tolist()
    for end in ends:
        world.do("pass", end)
    kept = {int(key.split("/")[1]) for store in world.stores.values() for key in store if key.startswith("k/")}
    assert kept == set(ends[-5:])


def test_without_pairs_there_is_no_path() -> None:
    with short_windows(pairs=()):
        world = World(plan=PLAN).run(draw_moves(Random(0), tape(5, 6, 10), []))
    assert not [key for store in world.stores.values() for key in store if key.startswith("k/")]
    assert not [each for shard in world.simulation.ticks for each in shard.watched]


def test_paths_stay_inside() -> None:
    with short_windows(tiles=2):
        world = World(plan=PLAN, rollups=("5m",)).run(draw_moves(Random(0), tape(5, 12, 10), []))
    assert {each.view for each in world.frames} <= {"bars", "indicators", "cross_asset", "universe", PAIRS}
    with_paths = {name for name, store in world.stores.items() if any(key.startswith("k/") for key in store)}
    assert with_paths == {"universe/1m/0"}
