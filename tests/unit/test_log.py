"""What a shard's log holds as time passes, and that a restored one holds the same."""

import numpy as np
import pytest

from tests.oracles.bars import Record, ticks
from udfs.log import NEVER, Anchor, Horizon, Log, Slot

HORIZON = Horizon(bars=4, anchor=2, ticks=2)


def filled(bars: int) -> Log:
    """Bars 1 to `bars`, each of two chunks of ticks, with an anchor at every second."""
    log = Log({}, HORIZON)
    for end in range(1, bars + 1):
        for n in range(2):
            log.add_ticks(end, ticks([Record("A", end, 10.0 + n)]))
        log.put_bars(end, Slot(["A"], np.full((1, 6), float(end))))
        log.meta["clock"] = end
        if end % HORIZON.anchor == 0:
            log.put_anchor(end, Anchor(["A"], np.full((1, 3), float(end))))
        log.settle(end)
    return log


@pytest.mark.parametrize(
    ("bars", "times", "anchors"),
    [
        (1, [1], []),
        (3, [1, 2, 3], [2]),
        (5, [1, 2, 3, 4, 5], [2, 4]),
        # four bars reach back to 3, the anchor before it is 2: what lies before that is of no use
        (6, [3, 4, 5, 6], [2, 4, 6]),
        (7, [3, 4, 5, 6, 7], [2, 4, 6]),
        (8, [5, 6, 7, 8], [4, 6, 8]),
        (11, [7, 8, 9, 10, 11], [6, 8, 10]),
    ],
)
def test_horizon_trims(bars: int, times: list[int], anchors: list[int]) -> None:
    log = filled(bars)
    assert (log.times, log.anchors, sorted(log.chunks)) == (times, anchors, list(range(1, bars + 1))[-2:])
    chunks = {f"t/{end}/{n}" for end in log.chunks for n in range(2)}
    assert set(log.store) == {f"b/{end}" for end in times} | {f"a/{end}" for end in anchors} | chunks | {"m"}


@pytest.mark.parametrize(
    ("bars", "base"),
    [(1, {1: NEVER, 2: NEVER}), (5, {1: NEVER, 2: NEVER, 3: 2, 5: 4}), (8, {1: None, 4: None, 5: 4, 8: 6, 9: 8})],
)
def test_a_change_starts_from_the_anchor_before_it(bars: int, base: dict[int, int | None]) -> None:
    log = filled(bars)
    assert {end: log.base(end) for end in base} == base


def test_ticks_are_kept_for_the_newest_bars_and_those_to_come() -> None:
    log = filled(8)
    assert {end: log.keeps_ticks(end) for end in (6, 7, 8, 9)} == {6: False, 7: True, 8: True, 9: True}
    assert filled(1).keeps_ticks(-5)


@pytest.mark.parametrize("bars", [1, 5, 8])
def test_restore(bars: int) -> None:
    log = filled(bars)
    log.add_ticks(bars + 1, ticks([Record("B", bars + 1, 1.0)]))
    log.meta["used"] = 7
    log.save()
    again = Log(dict(log.store), HORIZON)
    assert (again.times, again.anchors, again.chunks, again.meta) == (log.times, log.anchors, log.chunks, log.meta)
    for end in log.times:
        assert again.bars(end).values.tobytes() == log.bars(end).values.tobytes()
    for end in log.chunks:
        assert [part.pack() for part in again.ticks(end)] == [part.pack() for part in log.ticks(end)]


def test_a_restored_bar_goes_on_with_its_next_chunk() -> None:
    log = Log({}, HORIZON)
    log.add_ticks(1, ticks([Record("A", 0, 1.0)]))
    again = Log(log.store, HORIZON)
    again.add_ticks(1, ticks([Record("A", 0, 2.0)]))
    assert [part.price.tolist() for part in again.ticks(1)] == [[1.0], [2.0]]


def test_what_is_not_held_is_empty() -> None:
    log = filled(3)
    assert log.bars(9).symbols == []
    assert log.bars(9).values.shape == (0, 6)
    assert log.anchor(NEVER, 5).state.shape == (0, 5)
    assert log.ticks(9) == []


def test_an_anchor_or_a_bar_that_is_put_again_is_replaced() -> None:
    log = filled(4)
    log.put_bars(3, Slot(["A", "B"], np.zeros((2, 6)), 1))
    log.put_anchor(2, Anchor(["A", "B"], np.ones((2, 3))))
    assert (log.times, log.anchors) == ([1, 2, 3, 4], [2, 4])
    assert (log.bars(3).symbols, log.bars(3).revision) == (["A", "B"], 1)
    assert log.anchor(2, 3).state.shape == (2, 3)
