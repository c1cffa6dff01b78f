"""Splits at their instants, drawn on a line of bars; and any cut of the line gives the same."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from udfs.adjustment import Split
from udfs.fold import fold, pending
from udfs.plan import Plan
from udfs.registry import FEATURES

PLAN = Plan("1d", [row for row in FEATURES if row.name in ("log_return", "obv")])
RETURN = PLAN.outputs.index("log_return")


def bars(closes: list[float]) -> np.ndarray:
    return np.array([[close, close, close, close, 8.0, 1.0] for close in closes])


def run(
    line: list[tuple[int, int, float]], splits: list[tuple[int, Split]], until: int
) -> tuple[np.ndarray, np.ndarray]:
    """Fold bars (row, bar end, close) of two rows; their log returns, and the state after."""
    state = np.zeros((2, PLAN.width))
    rows, times, closes = (list(column) for column in zip(*line, strict=True))
    out = fold(PLAN, state, np.array(rows), np.array(times), bars(closes), splits, until)
    return out[:, RETURN], state


# row 0 has bars that end at 10, 20 and 30, of closes 8, 4 and 4
LINE = [(0, 10, 8.0), (0, 20, 4.0), (0, 30, 4.0)]


@pytest.mark.parametrize(
    ("at", "returns"),
    [
        ([], [np.nan, -np.log(2), 0.0]),
        # 2 for 1 after the first bar's end: the price of 8 was 4 of the new ones
        ([10], [np.nan, 0.0, 0.0]),
        ([19], [np.nan, 0.0, 0.0]),
        # the bar that ends at 20 is in old units still
        ([20], [np.nan, -np.log(2), np.log(2)]),
        # before any bar there is nothing to scale
        ([5], [np.nan, -np.log(2), 0.0]),
        # two at one instant, and one at each of two
        ([10, 10], [np.nan, np.log(2), 0.0]),
        ([15, 25], [np.nan, 0.0, np.log(2)]),
        # at or after `until`: not yet
        ([30], [np.nan, -np.log(2), 0.0]),
        ([99], [np.nan, -np.log(2), 0.0]),
    ],
)
def test_a_split_scales_from_the_first_bar_after_its_instant(at: list[int], returns: list[float]) -> None:
    found, _ = run(LINE, [(0, Split("A", time, 2, 1)) for time in at], until=30)
    np.testing.assert_array_equal(found, returns)


def test_a_split_scales_its_own_row_even_without_a_bar_after_it() -> None:
    line = [*LINE[:2], (1, 30, 8.0)]
    plain, scaled = (run(line, splits, until=30)[1] for splits in ([], [(0, Split("A", 29, 2, 1))]))
    np.testing.assert_array_equal(scaled[0], plain[0] * PLAN.factors(2, 1))
    np.testing.assert_array_equal(scaled[1], plain[1])


def test_pending_are_those_that_a_state_has_not_seen() -> None:
    splits = {"A": [Split("A", time, 2, 1) for time in (5, 10, 15)], "B": [Split("B", 20, 3, 1)]}
    found = pending(splits, {"A": 7, "C": 8}, since=10)
    assert [(row, split.ex_time_us) for row, split in found] == [(7, 10), (7, 15)]


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(1, 9).map(float)), min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 25), st.integers(1, 3), st.integers(1, 3)), max_size=4),
    st.sets(st.integers(1, 19)),
)
def test_any_cut_gives_the_same(line, splits, cuts) -> None:
    # bar k ends at k + 1; a fold up to a cut leaves the splits at or after it to the next
    rows, times = np.array([row for row, _ in line]), np.arange(1, len(line) + 1)
    values = bars([close for _, close in line])
    named: dict[str, list[Split]] = {"A": [], "B": []}
    for row, *terms in sorted(splits, key=lambda one: one[1]):
        named["AB"[row]].append(Split("AB"[row], *terms))
    whole = np.zeros((2, PLAN.width))
    expected = fold(PLAN, whole, rows, times, values, pending(named, {"A": 0, "B": 1}, -1), len(line))
    state, parts, since = np.zeros((2, PLAN.width)), [], -1
    for cut in [*sorted(cut for cut in cuts if cut < len(line)), len(line)]:
        part = slice(max(since, 0), cut)
        due = pending(named, {"A": 0, "B": 1}, since)
        parts.append(fold(PLAN, state, rows[part], times[part], values[part], due, cut))
        since = cut
    assert np.concatenate(parts).tobytes() == expected.tobytes()
    assert state.tobytes() == whole.tobytes()
