"""A gap that looks like a split is flagged until somebody says what it was."""

from typing import Any

import numpy as np
import pytest

from tests.oracles.bars import Record, ticks
from tests.oracles.prices import DAY_US, REAL_SPLITS, SYMBOLS, day_us, real
from tests.oracles.world import DAY, MINUTE, Action, World, action
from udfs.plan import Plan
from udfs.registry import FEATURES
from udfs.table import table

PLAN = Plan("1d", [row for row in FEATURES if row.name == "suspect_split"])
BEFORE = [(100.0, 100.0, 1000.0)] * 10


def suspected(bars: list[tuple[float, float, float]]) -> list[float]:
    """The flag at each bar (open, close, volume)."""
    columns = dict(zip(("open", "close", "volume"), map(np.array, zip(*bars, strict=True)), strict=True))
    return PLAN.step(np.zeros((1, PLAN.width)), np.zeros(len(bars), "i8"), columns)[:, 0].tolist()


@pytest.mark.parametrize(
    ("opened", "volume", "flag"),
    [
        (50.0, 2000.0, 1.0),  # 2 for 1
        (66.7, 1500.0, 1.0),  # 3 for 2
        (1000.0, 100.0, 1.0),  # 1 for 10
        (14.0, 5000.0, 1.0),  # 7 for 1, after which less is traded than before
        (2.05, 30_000.0, 1.0),  # 50 for 1, 2 % off
        (50.0, 20_000.0, 0.0),  # a crash: everybody trades
        (50.0, 300.0, 0.0),  # nobody trades twice as many shares
        (1000.0, 1000.0, 0.0),  # ten times the price, and as many shares: no 1 for 10
        (76.0, 1000.0, 0.0),  # no ratio of splits
        (97.0, 1000.0, 0.0),  # a day like others
        (50.0, 0.0, 0.0),
    ],
)
def test_a_gap_with_the_volume_of_a_split_is_flagged(opened: float, volume: float, flag: float) -> None:
    after = [(opened, opened, volume)] * 30
    assert suspected([*BEFORE, *after])[1:] == [0.0] * 9 + [flag] * 30


def test_only_a_gap_between_two_bars_is_one() -> None:
    # the price halves within a bar, and the next opens there
    assert suspected([*BEFORE, (100.0, 50.0, 2000.0), (50.0, 50.0, 2000.0)])[-2:] == [0.0, 0.0]


def test_without_volume_before_there_is_nothing_to_compare_with() -> None:
    assert suspected([(100.0, 100.0, 0.0)] * 3 + [(50.0, 50.0, 2000.0)])[-1] == 0.0


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_real_splits_are_seen_when_nobody_says_them(symbol: str) -> None:
    bars = real(symbol)
    found = suspected(list(zip(bars["open"], bars["close"], bars["volume"], strict=True)))
    first = [day_us(day) + DAY_US for day, _, _ in REAL_SPLITS.get(symbol, [])][:1]
    assert [bars["event_time"][found.index(1.0)]] == first if first else 1.0 not in found


# a trade a minute, 60 before and 60 after midnight, half the price and twice the shares after it
GAP = ticks(
    Record("A", DAY + k * MINUTE, 100.0 if k < 0 else 50.0, 10.0 if k < 0 else 20.0, k + 60) for k in range(-60, 60)
)


def flags(world: World) -> list[float]:
    """The flag of every bar as it stands."""
    return list(table(world.frames)["suspect_split"].to_pylist())[1:]


NOTHING, ALL = [0.0] * 119, [0.0] * 59 + [1.0] * 60


@pytest.mark.parametrize(
    ("said", "after"),
    [
        (action("s", "SPLIT", "A", numerator=2), NOTHING),
        (action("n", "OTHER", "A"), NOTHING),
        # of another company, of another day, of another ratio
        (action("s", "SPLIT", "B", numerator=2), ALL),
        (action("n", "OTHER", "A", ex_date=0), ALL),
        (action("n", "CASH_DIVIDEND", "A", cash_amount=1.0), ALL),
        # a wrong ratio leaves a gap of the rest
        (action("s", "SPLIT", "A", numerator=4), ALL),
    ],
)
@pytest.mark.parametrize("bars", [0, 1, 5, 60])
def test_an_action_heard_later_clears_it(said: Action, after: list[float], bars: int) -> None:
    world = World().do("hear", GAP).do("pass", DAY + bars * MINUTE)
    assert flags(world) == ALL[: 59 + bars]
    assert flags(world.do("tell", said).do("finish")) == after


def test_a_notice_of_a_later_day_clears_it_from_then_on() -> None:
    later = ticks(Record("A", 2 * DAY + k * MINUTE, 50.0, 20.0, k) for k in range(3))
    world = World().do("hear", GAP).do("hear", later).do("tell", action("n", "OTHER", "A", ex_date=2)).do("finish")
    assert flags(world) == [*ALL, 0.0, 0.0, 0.0]


def test_withdrawn_the_suspicion_is_back() -> None:
    said: dict[str, Any] = action("n", "OTHER", "A")
    world = World().do("hear", GAP).do("tell", said).do("finish")
    assert flags(world) == NOTHING
    assert flags(world.do("tell", said | {"version": 2, "function": "CANCEL"}).do("amend")) == ALL
