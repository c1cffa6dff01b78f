"""Each real corporate action's twin through the live way: however late it is heard, it ends as the batch that knew it.

A day is a bar. The twin's five days from the ex-day on go on for as long as the latest news takes.
"""

from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.oracles.bars import Record, ticks
from tests.oracles.events import DAY_US, MOVES, Day, Event, events, twin
from tests.oracles.world import Bits, as_table, bits, short_windows
from udfs import batch
from udfs.log import Horizon
from udfs.plan import Plan
from udfs.registry import FEATURES
from udfs.simulation import Simulation
from udfs.table import TIME, table

EVENTS = {event.name: event for event in events()}
PLAN = Plan("1d")
LATE = (0, 1, 5, 20, 60)
News = list[tuple[int, dict[str, Any]]]


def series(event: Event, bars: int) -> list[Day]:
    """The twin, and so many days more of its last ticker."""
    days = twin(event)
    for k in range(bars):
        last = days[-1]
        days.append(last._replace(day=last.day + 1, close=last.close * (1 + MOVES[k % 5])))
    return days


def live(days: list[Day], news: News, shards: int) -> Bits:
    """Each day's trade, then the news of that day, then midnight."""
    world, frames = Simulation(DAY_US, PLAN, shards=shards, horizon=Horizon(20_000, 7)), []
    for k, day in enumerate(days):
        for action in (action for at, action in news if at == k):
            frames += world.hear_action(action)
        trade = Record(day.symbol, day.day * DAY_US + DAY_US // 2 + DAY_US // 3, day.close, day.volume, k, f"{k}")
        world.hear_ticks(ticks([trade]))
        frames += world.advance((day.day + 1) * DAY_US)
    for action in (action for at, action in news if at >= len(days)):
        frames += world.hear_action(action)
    return bits(table(frames + world.finish()))


def known(days: list[Day], news: News) -> Bits:
    """The batch that knew it all."""
    times = pa.array([(day.day + 1) * DAY_US for day in days]).cast(TIME)
    price, volume = np.array([day.close for day in days]), [day.volume for day in days]
    bars = dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": volume}
    rows = pa.table({"symbol": [day.symbol for day in days], "event_time": times, **bars})
    return bits(batch.compute(rows, as_table([action for _, action in news]), "1d", features=FEATURES))


def assert_ends_as_known(event: Event, late: int, shards: int) -> None:
    """News so many bars after the ex-day: before its bar if none."""
    days = series(event, late)
    news = [(5 + late, action) for action in event.actions] if late else [(0, action) for action in event.actions]
    assert live(days, news, shards) == known(days, news)


def assert_taken_back_and_renewed(event: Event) -> None:
    """Announced in time, cancelled on the second day after, reinstated on the fifth."""
    again = [
        (at, action | {"version": version, "function": function})
        for action in event.actions
        for at, version, function in ((0, 1, "NEW"), (7, 2, "CANCEL"), (10, 3, "REINSTATE"))
    ]
    days = series(event, 3)
    found = live(days, again, 2)
    assert found == known(days, again) == known(days, [(0, action) for action in event.actions])


def a_real_event_ends_as_known(random: Random) -> None:
    """Any of them, any number of bars late, or taken back and renewed."""
    event, late = EVENTS[random.choice(list(EVENTS))], random.choice([*LATE, None])
    if late is None:
        assert_taken_back_and_renewed(event)
    else:
        assert_ends_as_known(event, late, random.randint(1, 4))


@pytest.mark.parametrize("number", range(len(EVENTS)), ids=list(EVENTS))
def test_a_real_event(number: int) -> None:
    event = list(EVENTS.values())[number]
    with short_windows():
        assert_ends_as_known(event, LATE[number % len(LATE)], 1 + number % 3)
        if number % 4 == 0:
            assert_taken_back_and_renewed(event)
