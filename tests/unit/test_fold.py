"""Actions at their instants, drawn on a line of bars; and any cut of the line gives the same."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.adjustment import Adjustment, Effect
from udfs.bars import COLUMNS, VOLUME
from udfs.fold import Due, fold
from udfs.plan import CLOSE, TIME, Plan
from udfs.registry import FEATURES

PLAN = Plan("1d", [row for row in FEATURES if row.name in ("log_return", "obv", "log_total_return")])
RETURN, TOTAL = (PLAN.outputs.index(name) for name in ("log_return", "log_total_return"))
Line = list[tuple[int, int, float]]
LN2 = np.log(2)


def split(at: int, new: int = 2, old: int = 1) -> Adjustment:
    return Adjustment(at, Effect.RATIO, f"{at}", Fraction(old, new), Fraction(new, old))


def dividend(at: int, cash: int) -> Adjustment:
    return Adjustment(at, Effect.CASH, f"d{at}", value=Fraction(cash))


def due(adjustments: dict[str, list[Adjustment]]) -> Due:
    return Due.of(adjustments, {"A": 0, "B": 1})


def step(state: np.ndarray, line: Line, of: Due) -> np.ndarray:
    """Fold bars (row, bar end, close) into the state of two rows."""
    values = np.zeros((len(line), len(COLUMNS)))
    values[:, : VOLUME + 1] = [[close, close, close, close, 8.0] for _, _, close in line] or np.empty((0, 5))
    rows, times = np.array([row for row, _, _ in line], "i8"), np.array([end for _, end, _ in line], "i8")
    return fold(PLAN, state, rows, times, values, of)


def run(line: Line, *changes: Adjustment) -> tuple[np.ndarray, np.ndarray]:
    """Outputs, and the state after; the actions are row 0's."""
    state = np.zeros((2, PLAN.width))
    return step(state, line, due({"A": list(changes)})), state


# row 0 has bars that end at 10, 20 and 30, of closes 8, 4 and 4
LINE: Line = [(0, 10, 8.0), (0, 20, 4.0), (0, 30, 4.0)]


@pytest.mark.parametrize(
    ("at", "returns"),
    [
        ([], [np.nan, -LN2, 0.0]),
        # 2 for 1 after the first bar's end: the price of 8 was 4 of the new ones
        ([10], [np.nan, 0.0, 0.0]),
        ([19], [np.nan, 0.0, 0.0]),
        # the bar that ends at 20 is in old units still
        ([20], [np.nan, -LN2, LN2]),
        # before any bar there is nothing to scale
        ([5], [np.nan, -LN2, 0.0]),
        # two at one instant, and one at each of two
        ([10, 10], [np.nan, LN2, 0.0]),
        ([12, 15], [np.nan, LN2, 0.0]),
        ([15, 25], [np.nan, 0.0, LN2]),
        # no bar comes after
        ([30], [np.nan, -LN2, 0.0]),
        ([99], [np.nan, -LN2, 0.0]),
    ],
)
def test_a_split_scales_from_the_first_bar_after_its_instant(at: list[int], returns: list[float]) -> None:
    found, _ = run(LINE, *map(split, at))
    np.testing.assert_array_equal(found[:, RETURN], returns)


def test_a_dividend_is_of_the_close_before_it() -> None:
    found, _ = run(LINE, dividend(10, 4))
    np.testing.assert_array_equal(found[:, TOTAL], [np.nan, 0.0, 0.0])
    np.testing.assert_array_equal(found[:, RETURN], [np.nan, -LN2, 0.0])


def test_of_one_instant_in_the_order_given() -> None:
    found, _ = run(LINE, dividend(10, 4), split(10))
    np.testing.assert_array_equal(found[:, TOTAL], [np.nan, LN2, 0.0])


def test_an_action_of_a_row_that_has_no_bar_after_it_waits() -> None:
    line: Line = [*LINE[:2], (1, 30, 8.0)]
    (_, plain), (_, waits) = run(line), run(line, split(29))
    assert plain.tobytes() == waits.tobytes()
    found = step(waits, [(0, 40, 4.0)], due({"A": [split(29)]}))
    np.testing.assert_array_equal(found[:, RETURN], [LN2])


def test_rows_touch_only_their_own_actions() -> None:
    line: Line = [(row, end, close) for _, end, close in LINE for row in (0, 1)]
    found, _ = run(line, split(10))
    np.testing.assert_array_equal(found[1::2, RETURN], [np.nan, -LN2, 0.0])
    np.testing.assert_array_equal(found[::2, RETURN], [np.nan, 0.0, 0.0])


def test_the_state_knows_its_last_bar() -> None:
    _, state = run([*LINE, (1, 30, 7.0)])
    assert state[:, [TIME, CLOSE]].tolist() == [[30, 4.0], [30, 7.0]]


def test_nothing_to_fold() -> None:
    found, state = run([], split(10))
    assert found.shape == (0, len(PLAN.outputs))
    assert not state.any()


def test_due_are_those_of_securities_with_a_row() -> None:
    found = Due.of({"A": [split(5), split(7)], "C": [split(6)], "B": [split(1)]}, {"B": 3, "A": 4})
    assert (found.rows.tolist(), found.ex_times.tolist()) == ([4, 4, 3], [5, 7, 1])
    assert [each.ex_time_us for each in found.adjustments] == [5, 7, 1]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9).map(float)), min_size=1, max_size=20),
    st.lists(st.tuples(st.sampled_from("AB"), st.integers(0, 25), st.integers(1, 3)), max_size=4),
    st.sets(st.integers(1, 19)),
)
def test_any_cut_gives_the_same(line: list[tuple[int, float]], actions: list[tuple[str, int, int]], cuts: set[int]):
    # bar k ends at k + 1: a b a a | c b a
    named = {name: [split(at, new) for of, at, new in sorted(actions) if of == name] for name in "AB"}
    bars = [(row, end, close) for end, (row, close) in enumerate(line, 1)]
    whole, kept = np.zeros((2, PLAN.width)), np.zeros((2, PLAN.width))
    expected = step(whole, bars, due(named))
    stops = [0, *sorted(cut for cut in cuts if cut < len(bars)), len(bars)]
    parts = [step(kept, bars[start:stop], due(named)) for start, stop in pairwise(stops)]
    assert np.concatenate(parts).tobytes() == expected.tobytes()
    assert kept.tobytes() == whole.tobytes()
