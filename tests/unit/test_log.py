"""What a shard's log holds as time passes, how far back it reaches, and that a restored one holds the same."""

import json
from typing import Any

import numpy as np
import pytest

from udfs.bar_log import BarLog
from udfs.bars import COLUMNS
from udfs.history import Slot
from udfs.log import LAYOUT, NEVER, BeyondHorizon, Heard, Horizon, Log
from udfs.plan import TIME, Plan
from udfs.registry import FEATURES

PLAN = Plan("1m", FEATURES[:1])
WIDTH = PLAN.width


def slot(value: float, *names: str) -> Slot:
    """Bars of these securities, all of one value."""
    return Slot(list(names), list(names), np.full((len(names), 6), value), np.zeros(len(names), "i8"))


def filled(bars: int, floor: int = NEVER) -> BarLog:
    """Bars 1 to `bars` with an anchor at every second, trimmed to a floor."""
    log = BarLog({}, PLAN)
    for end in range(1, bars + 1):
        log.put(end, slot(end, "A"))
        if end % 2 == 0:
            log.put_anchor(end, ["A"], np.full((1, WIDTH), float(end)))
    log.trim(floor)
    log.save()
    return log


def account(log: Log) -> int:
    """Bytes of what is stored, but for clock and counters."""
    return sum(len(value) for key, value in log._store.items() if key != "m")


@pytest.mark.parametrize(
    ("floor", "times", "anchors"),
    [
        (NEVER, [1, 2, 3, 4, 5, 6, 7, 8], [2, 4, 6, 8]),
        # bar 2 may change: nothing that comes before the first anchor is of no use
        (2, [1, 2, 3, 4, 5, 6, 7, 8], [2, 4, 6, 8]),
        # bar 3 may change, which starts from the anchor at 2
        (3, [3, 4, 5, 6, 7, 8], [2, 4, 6, 8]),
        (4, [3, 4, 5, 6, 7, 8], [2, 4, 6, 8]),
        (5, [5, 6, 7, 8], [4, 6, 8]),
        (8, [7, 8], [6, 8]),
        # all are too old: the newest anchor is where the next bar starts from
        (9, [], [8]),
        (99, [], [8]),
    ],
)
def test_trim(floor: int, times: list[int], anchors: list[int]) -> None:
    log = filled(8, floor)
    assert (log.times, log.anchors, sorted(log.slots)) == (times, anchors, times)
    assert set(log._store) == {f"b/{end}" for end in times} | {f"a/{end}" for end in anchors} | {"l", "m"}
    assert log.meta["bytes"] == account(log)


@pytest.mark.parametrize(
    ("floor", "base"),
    [
        (NEVER, {1: NEVER, 2: NEVER, 3: 2, 5: 4, 99: 8}),
        (5, {4: None, 5: 4, 6: 4, 7: 6, 9: 8}),
        (99, {8: None, 9: 8}),
    ],
)
def test_a_change_starts_from_the_anchor_before_it(floor: int, base: dict[int, int | None]) -> None:
    log = filled(8, floor)
    for since, found in base.items():
        if found is None:
            with pytest.raises(BeyondHorizon, match=f"change at {since} is older"):
                log.base(since)
        else:
            assert log.base(since) == found


def test_times_between() -> None:
    log = filled(5)
    assert log.between(NEVER, 9) == [1, 2, 3, 4, 5]
    assert log.between(2, 4) == [3, 4]
    assert log.between(5, 9) == log.between(3, 3) == []


@pytest.mark.parametrize("floor", [NEVER, 4, 99])
def test_a_restored_log_of_bars_is_the_same(floor: int) -> None:
    log = filled(5, floor)
    again = BarLog(dict(log._store), PLAN)
    assert (again.times, again.anchors, again.meta) == (log.times, log.anchors, log.meta)
    for end in log.times:
        assert again.slot(end).values.tobytes() == log.slot(end).values.tobytes()
        assert again.slot(end).securities == ["A"]
    again.put(9, slot(1, "A"))
    del again["b/9"]
    assert again.meta["bytes"] == log.meta["bytes"]


def test_what_is_not_held_is_empty() -> None:
    log = filled(3)
    assert log.slot(9).symbols == []
    assert log.slot(9).values.shape == (0, len(COLUMNS))
    assert log.anchor(NEVER)[1].shape == (0, WIDTH)


def test_an_anchor_or_a_bar_that_is_put_again_is_replaced() -> None:
    log = filled(4)
    log.put(3, slot(0, "A", "B"))
    log.put_anchor(2, ["B", "A"], np.ones((2, WIDTH)))
    assert (log.times, log.anchors) == ([1, 2, 3, 4], [2, 4])
    assert log.slot(3).symbols == ["A", "B"]
    assert log.meta["bytes"] == account(log)


def test_an_anchor_is_by_name_and_without_what_has_no_bar() -> None:
    state = np.ones((3, WIDTH))
    state[1, TIME] = 0
    state[0] *= 7
    log = filled(0)
    log.put_anchor(2, ["C", "B", "A"], state)
    names, kept = log.anchor(2)
    assert (names, kept[:, 0].tolist()) == (["A", "C"], [1, 7])


def test_amendments_are_numbered_by_time_and_go_with_it() -> None:
    log = filled(4)
    assert [log.amendment(end) for end in (1, 1, 4, 1)] == [1, 2, 1, 3]
    log.trim(4)
    assert [key for key in log._store if key[0] == "v"] == ["v/4"]


def test_the_account_of_size_is_exact_through_replacements_and_restarts() -> None:
    store: dict[str, bytes] = {}
    log = Log(store)
    log["x/1"] = b"1234"
    log["x/1"] = b"12"
    log["x/2"] = b""
    log.save()
    log = Log(store)
    log["x/1"] = b"12345"  # its size is read once
    log["x/3"] = b"1"
    assert log.meta["bytes"] == account(log) == 6
    del log["x/1"]
    assert log.meta["bytes"] == account(log) == 1
    assert ("x/3" in log, "x/1" in log) == (True, False)


def test_clock_and_counters_are_kept_by_save() -> None:
    store: dict[str, bytes] = {}
    log = Log(store)
    assert log.meta == {"clock": NEVER, "bytes": 0, "layout": LAYOUT}
    log.meta["clock"] = 5
    assert Log(store).meta["clock"] == NEVER
    log.save()
    assert Log(store).meta["clock"] == 5


def test_numbered_keys() -> None:
    log = Log({})
    for key in ("t/5/0", "t/5/1", "t/-60/0", "b/5", "tt/5/0"):
        log[key] = b""
    assert dict(log.numbered("t")) == {5: 2, -60: 1}
    assert log.numbered("t")[7] == 0


def test_what_was_heard_is_a_set() -> None:
    store: dict[str, bytes] = {}
    one: dict[str, Any] = {"event_id": "e", "version": 1}
    heard, news = Heard(log := Log(store), "c"), Heard(log, "q")
    news.add(one)
    news.add(dict(reversed(one.items())))
    assert (len(news.records), one in news, one in heard) == (1, True, False)
    assert one | {"version": 2} not in news
    heard.take(news)
    assert (len(news.records), one in news, one in heard) == (0, False, True)
    assert [json.loads(value) for value in store.values()] == [one]
    assert list(Heard(Log(store), "c").records.values()) == [one]
    assert Heard(Log(store), "q").records == {}


@pytest.mark.parametrize(("bars", "floor"), [(1, 600), (2, 540), (10, 60), (11, 0)])
def test_the_floor_is_so_many_bars_with_the_newest(bars: int, floor: int) -> None:
    assert Horizon(bars).floor(600, 60) == floor
