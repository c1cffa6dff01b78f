"""How far back a shard changes: within its horizon as if known in time, beyond it not at all."""

from typing import Any

import pytest

from tests.oracles.bars import Record, ticks
from udfs.frame import Frame
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.rewind import BeyondHorizon, Shard

DAY = 86_400_000_000
PLAN = Plan("1d")
# ten bars of days 0 to 9: ticks are kept of days 8 and 9, bars from day 6 on, an anchor of the end of day 5
HORIZON = Horizon(bars=4, anchor=2, ticks=2)
DAYS = 10


def trade(day: int, price: float, sequence: int = 0) -> Record:
    return Record("A", day * DAY + 5 + sequence, price, 2.0, sequence, f"{day}-{sequence}")


TAPE = [trade(day, 100.0 + day % 3) for day in range(DAYS)]


def split(day: int, numerator: int = 2) -> dict[str, Any]:
    """An action of day 0 of 1970 plus `day`."""
    return {"event_id": "e", "version": 1, "function": "NEW", "symbol": "A", "action_type": "SPLIT", "ex_date": day,
            "numerator": numerator, "denominator": 1, "known_at": 0, "status": "FINAL"}  # fmt: skip


def run(records: list[Record], horizon: Horizon = HORIZON, actions: tuple[dict[str, Any], ...] = ()) -> Shard:
    """A shard that heard the actions, then each bar in time."""
    shard = Shard(0, PLAN, DAY, {}, horizon)
    for one in actions:
        shard.act(one)
    for end in range(DAY, (DAYS + 1) * DAY, DAY):
        if heard := [row for row in records if end - DAY <= row.event_time < end]:
            shard.accept(ticks(heard))
        shard.close(end)
    return shard


def state(shard: Shard) -> bytes:
    return bytes(shard.state[shard.rows["A"]].tobytes())


@pytest.mark.parametrize("day", range(DAYS))
def test_a_late_tick(day: int) -> None:
    shard, late = run(TAPE), trade(day, 110.0, 1)
    before, counts = dict(shard.log.store), dict(shard.counts)
    if day < DAYS - HORIZON.ticks:
        with pytest.raises(BeyondHorizon, match=r"older than the horizon\n.*replay"):
            shard.accept(ticks([late]))
        assert (shard.log.store, shard.counts) == (before, counts)
    else:
        bars, features, *_ = shard.accept(ticks([late]))[1]
        assert (bars.event_time, bars.revision, bars.known_at) == ((day + 1) * DAY, 1, DAYS * DAY)
        assert features.symbols == ["A"]
        assert state(shard) == state(run([*TAPE, late]))
        assert shard.counts["late"] == 1


def test_a_block_with_one_tick_too_old_changes_nothing() -> None:
    shard = run(TAPE)
    before = dict(shard.log.store)
    with pytest.raises(BeyondHorizon):
        shard.accept(ticks([trade(DAYS, 1.0), trade(DAYS - 1, 110.0, 1), trade(2, 110.0, 1)]))
    assert shard.log.store == before


@pytest.mark.parametrize("day", range(DAYS + 2))
def test_a_late_action(day: int) -> None:
    shard = run(TAPE)
    before = dict(shard.log.store)
    if day < DAYS - HORIZON.bars:
        with pytest.raises(BeyondHorizon, match="action e is older"):
            shard.act(split(day))
        assert shard.log.store == before
    else:
        frames = shard.act(split(day))
        assert {frame.event_time for frame in frames} == set(range((day + 1) * DAY, (DAYS + 1) * DAY, DAY))
        assert state(shard) == state(run(TAPE, actions=(split(day),)))


@pytest.mark.parametrize("day", [0, 3, 9])
def test_while_all_history_is_held_nothing_is_too_old(day: int) -> None:
    held, late = Horizon(bars=100, anchor=2, ticks=100), trade(day, 110.0, 1)
    shard = run(TAPE, held)
    shard.accept(ticks([late]))
    shard.act(split(day))
    assert state(shard) == state(run([*TAPE, late], held, (split(day),)))


def test_an_action_of_a_stranger_is_kept_for_later() -> None:
    shard = run(TAPE)
    assert shard.act(split(8) | {"symbol": "Z"}) == []
    assert Shard(0, PLAN, DAY, shard.log.store, HORIZON).splits["Z"]


@pytest.mark.parametrize("bars", range(1, DAYS + 1))
def test_restore_goes_on_as_if_nothing_had_been(bars: int) -> None:
    heard = [row for row in TAPE if row.event_time < bars * DAY]
    shard = run(heard, actions=(split(3), split(8) | {"event_id": "f"}))
    again = Shard(0, PLAN, DAY, dict(shard.log.store), HORIZON)
    assert (again.clock, again.counts, state(again)) == (shard.clock, shard.counts, state(shard))
    assert plain(step(again)) == plain(step(shard))


def step(shard: Shard) -> list[Frame]:
    """One more bar, and a late tick in the one before."""
    shard.accept(ticks([trade(DAYS, 50.0)]))
    return shard.close((DAYS + 1) * DAY) + shard.accept(ticks([trade(DAYS, 51.0, 1)]))[1]


def plain(frames: list[Frame]) -> list[bytes]:
    return [frame.pack() for frame in frames]
