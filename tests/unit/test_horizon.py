"""What is older than the horizon is refused, counted and changes nothing; state is bounded, its account exact."""

import numpy as np
import pytest

from tests.oracles.world import MINUTE, action
from udfs.log import BeyondHorizon, Horizon
from udfs.simulation import Simulation
from udfs.tick_shard import TickShard
from udfs.ticks import CANCEL, CORRECT, TRADE, Ticks

H = Horizon(bars=5, anchor=2)
DAY_MINUTES = 1440


def ticks(*rows: tuple[int, float, int, int], symbol: str = "A") -> Ticks:
    """(minute, price, trade id, kind): records in the middle of their minute."""
    minute, price, ids, kind = (np.array(column) for column in zip(*rows, strict=True))
    time, one = minute * MINUTE + MINUTE // 2, np.ones(len(rows))
    code = np.zeros(len(rows), "i4")
    return Ticks(
        [symbol], code, time, price.astype("f8"), one, np.arange(len(rows)), ids.astype("u8"), kind.astype("i1")
    )


def shard(minutes: int) -> TickShard:
    """One that has closed a bar of one trade in each of these minutes; trade i is of minute i."""
    made = TickShard(0, 1, MINUTE, {}, H)
    for minute in range(minutes):
        made.accept(ticks((minute, 10.0 + minute, minute, TRADE)))
        made.advance((minute + 1) * MINUTE)
    return made


# minutes 0 ... 9 have closed: the bars of minutes 5 to 9 are within the horizon of 5 bars
@pytest.mark.parametrize(("minute", "refused"), [(0, True), (4, True), (5, False), (9, False)])
def test_a_tick_beyond_the_horizon_is_refused(minute: int, refused: bool) -> None:
    of = shard(10)
    counts = of.counts
    _, found = of.accept(ticks((minute, 99.0, 1000, TRADE)))
    frames = of.amend()
    assert found.tolist() == [refused]
    assert [frame.event_time for frame in frames] == ([] if refused else [(minute + 1) * MINUTE])
    assert of.counts == (counts if refused else counts | {"late": 1, "used": counts["used"] + 1})


def test_good_neighbours_of_a_refused_tick_are_taken() -> None:
    of = shard(10)
    _, refused = of.accept(
        ticks((0, 9.0, 100, TRADE), (7, 9.0, 101, TRADE), (1, 9.0, 102, TRADE), (12, 9.0, 103, TRADE))
    )
    assert refused.tolist() == [True, False, True, False]
    assert [frame.event_time for frame in of.amend()] == [8 * MINUTE]


@pytest.mark.parametrize(("kind", "close"), [(CANCEL, None), (CORRECT, 50.0)])
def test_a_trade_is_amended_from_another_bar_by_its_id(kind: int, close: float | None) -> None:
    of = shard(10)
    of.accept(ticks((9, 50.0, 6, kind)))  # names the trade of minute 6
    (frame,) = of.amend()
    assert frame.event_time == 7 * MINUTE
    assert frame.removed == (["A"] if close is None else [])
    assert frame.values[:, 3].tolist() == ([] if close is None else [close])
    assert sum(of.counts[fate] for fate in ("used", "cancelled", "duplicates", "amendments", "orphans")) == 11


@pytest.mark.parametrize("delay", range(5))
def test_a_repeat_is_counted_and_changes_nothing_whatever_its_delay(delay: int) -> None:
    of = shard(10)
    minute = 9 - delay
    of.accept(ticks((minute, 10.0 + minute, minute, TRADE)))
    assert of.amend() == []
    assert of.counts["duplicates"] == 1


def test_an_action_beyond_the_horizon_is_refused_and_changes_nothing() -> None:
    of = shard(10)
    of.advance((DAY_MINUTES + 3) * MINUTE)
    before = dict(of.log._store)
    with pytest.raises(BeyondHorizon, match="older than the horizon"):
        of.act(action("e", "SYMBOL_CHANGE", "A", other_symbol="B", ex_date=0))
    assert of.log._store == before
    assert of.act(action("e", "SYMBOL_CHANGE", "A", other_symbol="B", ex_date=1)) == []  # within: taken


def test_state_is_bounded_and_its_account_exact() -> None:
    world, sizes = Simulation(MINUTE, interval="1m", shards=1, horizon=H), []
    for minute in range(360):
        world.hear_ticks(ticks((minute, 10.0 + minute % 7, minute, TRADE)))
        world.advance((minute + 1) * MINUTE)
        if minute % 3 == 0:
            world.hear_ticks(ticks((max(0, minute - 2), 11.0, 1000 + minute, TRADE)))
            world.amend()
        tiles = [tile for tiles in world.universes.values() for tile in tiles]
        for part in (*world.ticks, *(of.base for of in world.features), *tiles):
            stored = sum(len(value) for key, value in part.log._store.items() if key != "m")
            assert part.log.meta["bytes"] == stored
        sizes.append(sum(len(store) for store in world.stores.values()))
    assert max(sizes[270:]) <= max(sizes[180:270])  # the ring of returns, 120 bar times more than the horizon, is full
