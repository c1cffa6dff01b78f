"""Slots as frames change them, and where two versions of the past differ."""

import numpy as np
import pytest

from udfs.bar_log import BarLog
from udfs.bars import COLUMNS
from udfs.frame import BARS, Frame
from udfs.history import History, Slot, merge
from udfs.plan import Plan
from udfs.registry import FEATURES

PLAN = Plan("1m", FEATURES[:1])


def slot(**bars: tuple[str, float, int]) -> Slot:
    """Security -> symbol, value of its bar, base of its revisions."""
    names = sorted(bars)
    values = np.array([[bars[name][1]] * len(COLUMNS) for name in names]).reshape(len(names), len(COLUMNS))
    return Slot(names, [bars[name][0] for name in names], values, np.array([bars[name][2] for name in names], "i8"))


def frame(bars: dict[str, float], removed: tuple[str, ...] = (), securities: tuple[str, ...] = ()) -> Frame:
    """Symbol -> value."""
    values = np.array([[value] * len(COLUMNS) for value in bars.values()]).reshape(len(bars), len(COLUMNS))
    return Frame(BARS, 0, 1, 1, 0, list(bars), (), values, removed=list(removed), securities=list(securities))


def content(of: Slot) -> dict[str, tuple[str, float, int]]:
    assert of.values.shape == (len(of.securities), len(COLUMNS))
    rows = zip(of.symbols, of.values[:, 0].tolist(), of.base.tolist(), strict=True)
    return dict(zip(of.securities, rows, strict=True))


AB = {"A": ("A", 1.0, 0), "B": ("B", 2.0, 0)}


@pytest.mark.parametrize(
    ("heard", "base", "found"),
    [
        (frame({}), 7, AB),
        (frame({"C": 3.0}), 7, AB | {"C": ("C", 3.0, 7)}),
        (frame({"B": 3.0}), 7, AB | {"B": ("B", 3.0, 7)}),
        (frame({}, ("A",)), 7, {"B": ("B", 2.0, 0)}),
        (frame({}, ("A", "B")), 7, {}),
        # A's bar is B's from now on: what it said as A goes
        (frame({"A": 1.0}, securities=("B",)), 7, AB | {"B": ("A", 1.0, 7)}),
        # the removal of a bar under a ticker that its security no longer has is old news
        (frame({}, ("X",), ("A",)), 7, AB),
        (frame({"A": 5.0}, ("X",), ("C", "A")), 7, AB | {"C": ("A", 5.0, 7)}),
    ],
)
def test_merge(heard: Frame, base: int, found: dict[str, tuple[str, float, int]]) -> None:
    before = slot(**AB)
    after = merge(before, heard, base)
    assert content(after) == found
    assert list(content(after)) == sorted(found)
    assert content(before) == AB


def test_a_security_of_two_tickers_keeps_both_until_one_is_taken_back() -> None:
    """S has become X's; a shard that has not heard of it still tells of S's bar as B, then takes that back."""
    moved = merge(slot(S=("B", 1.0, 0)), frame({"X": 2.0}, securities=("S",)), 7)
    stale = merge(moved, frame({"B": 3.0}, securities=("S",)), 0)
    assert (content(moved), content(stale)) == ({"S": ("X", 2.0, 7)}, {"S": ("B", 3.0, 0)})
    held: dict[str, bytes] = {}
    kept = BarLog(held, PLAN)
    kept.put(1, stale)
    stale = BarLog(held, PLAN).slot(1)
    assert content(merge(stale, frame({}, ("B",), ("S",)), 0)) == {"S": ("X", 2.0, 7)}
    assert merge(stale, frame({}, ("B",), ("S",)), 0).aside == []
    # in the other order, and a bar that is gone altogether
    assert content(merge(stale, frame({}, ("X",), ("S",)), 7)) == {"S": ("B", 3.0, 0)}
    assert merge(stale, frame({}, ("X",), ("S",)), 7).aside == []
    assert content(merge(merge(stale, frame({}, ("X",), ("S",)), 7), frame({}, ("B",), ("S",)), 0)) == {}


def test_merge_into_nothing() -> None:
    assert content(merge(Slot(), frame({}, ("A",)), 0)) == {}
    assert content(merge(Slot(), frame({"A": 1.0}), 0)) == {"A": ("A", 1.0, 0)}


def test_parts_and_all() -> None:
    whole = slot(**AB, C=("C", 3.0, 5))
    assert content(whole.part([2, 0])) == {"C": ("C", 3.0, 5), "A": ("A", 1.0, 0)}
    assert content(Slot.all([whole.part([2]), whole.part([0, 1])])) == content(whole)
    assert content(whole.part([])) == {}


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [
        (AB, AB, []),
        (AB, AB | {"B": ("B", 9.0, 0)}, []),
        # under another ticker, or been elsewhere and back
        (AB, AB | {"B": ("X", 2.0, 0)}, ["B"]),
        (AB, AB | {"B": ("B", 2.0, 2)}, ["B"]),
        # new ones and those gone have not moved
        (AB, {"A": ("A", 1.0, 0), "C": ("C", 1.0, 3)}, []),
        ({}, AB, []),
    ],
)
def test_moved(before: dict[str, tuple[str, float, int]], after: dict[str, tuple[str, float, int]], moved: list[str]):
    assert slot(**after).moved(slot(**before)) == moved


def history(*bars: tuple[int, int, float]) -> History:
    """Bars as time, row, feature."""
    times, rows, features = (list(column) for column in zip(*bars, strict=True)) if bars else ([], [], [])
    return History(np.array(times, "i8"), np.array(rows, "i8"), np.array(features, "f8").reshape(len(bars), 1))


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ([(1, 0, 1.0), (2, 0, 2.0)], [(1, 0, 1.0), (2, 0, 3.0)], [False, True]),
        # a bar more, a bar less
        ([(1, 0, 1.0)], [(1, 0, 1.0), (1, 1, 1.0), (2, 0, 1.0)], [False, True, True]),
        ([(1, 0, 1.0), (2, 0, 2.0)], [(2, 0, 2.0)], [False]),
        # row 1 at time 1 is not row 0 at time 2
        ([(1, 1, 1.0)], [(2, 0, 1.0)], [True]),
        # no number stays no number; 0.0 is not -0.0
        ([(1, 0, np.nan), (2, 0, 0.0)], [(1, 0, np.nan), (2, 0, -0.0)], [False, True]),
        ([], [(1, 0, 1.0)], [True]),
        ([(1, 0, 1.0)], [], []),
        # times far apart, rows of a large number
        ([(-(2**61), 999, 1.0), (2**61, 3, 1.0)], [(-(2**61), 999, 1.0), (2**61, 3, 2.0)], [False, True]),
    ],
)
def test_changed(before: list[tuple[int, int, float]], after: list[tuple[int, int, float]], changed: list[bool]):
    assert history(*after).changed(history(*before)).tolist() == changed


def test_changed_in_any_feature() -> None:
    one = History(np.array([1]), np.array([0]), np.array([[1.0, 2.0, 3.0]]))
    other = History(np.array([1]), np.array([0]), np.array([[1.0, 2.0, 4.0]]))
    assert one.changed(other).tolist() == [True]
    assert one.changed(one).tolist() == [False]
