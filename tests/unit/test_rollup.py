"""Bars of longer intervals: what they are made of, in which terms, under which ticker.

minutes   1   2   3   4   5 | 6 ...    a window of five; the split takes effect after minute 3
"""

from fractions import Fraction
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.errors import ConfigError
from tests.oracles.world import MINUTE, action, as_table
from udfs import batch
from udfs.adjustment import Adjustment, Effect
from udfs.bars import COLUMNS, LARGEST, TWAP
from udfs.fold import Due
from udfs.kernels.state import Floats, Rows
from udfs.rollup import RULES, chain, finer, roll
from udfs.sessions import window_ends
from udfs.table import TIME

NOTHING = Due.of({}, {})
SUMS = ("volume", "trade_count", "turnover", "realised_variance", "bipower_variation", "signed_volume")
BUENOS_AIRES = {"mic": "XBUE"}  # opens at 14:00 UTC, half an hour after New York in summer


def drawn(seed: int) -> tuple[Rows, Rows, Floats]:
    """Bars of three securities at random minutes, in no order."""
    rng = np.random.default_rng(seed)
    keys = np.array([(row, minute) for row in range(3) for minute in range(1, 60) if rng.random() < 0.6])
    keys = keys[rng.permutation(len(keys))]
    prices = np.sort(rng.uniform(1, 100, (len(keys), 4)), axis=1)[:, [1, 3, 0, 2]]
    counts = rng.integers(1, 9, len(keys))
    others = rng.uniform(0, 9, (len(keys), len(COLUMNS) - 6))
    return keys[:, 0], keys[:, 1] * MINUTE, np.column_stack([prices, rng.uniform(0, 9, len(keys)), counts, others])


def naive(rows: Rows, times: Rows, values: Floats, width: int) -> dict[tuple[int, int], list[float]]:
    """One bar after the other."""
    found: dict[tuple[int, int], list[float]] = {}
    means: dict[tuple[int, int], list[float]] = {}
    for row, time, bar in sorted(zip(rows.tolist(), times.tolist(), values.tolist(), strict=True)):
        key = row, -(-time // width) * width
        if key not in found:
            found[key] = [*bar[:4], *[0.0] * 8]
        rolled = found[key]
        rolled[1], rolled[2], rolled[3] = max(rolled[1], bar[1]), min(rolled[2], bar[2]), bar[3]
        for k in map(COLUMNS.index, SUMS):
            rolled[k] += bar[k]
        rolled[LARGEST] = max(rolled[LARGEST], bar[LARGEST])
        prices = means.setdefault(key, [])
        prices.append(bar[TWAP])
        rolled[TWAP] = prices[0] + sum(price - prices[0] for price in prices) / len(prices)
    return found


@pytest.mark.parametrize("width", [1, 5, 7, 60])
@pytest.mark.parametrize("seed", range(3))
def test_one_after_the_other_gives_the_same_bits(seed: int, width: int) -> None:
    rows, times, values = drawn(seed)
    rolled = roll(rows, times, window_ends(times, width * MINUTE, "24/7"), values, NOTHING)
    keys = list(zip(rolled.rows.tolist(), rolled.ends.tolist(), strict=True))
    wanted = naive(rows, times, values, width * MINUTE)
    assert keys == list(wanted)
    assert rolled.values.tobytes() == np.array(list(wanted.values())).tobytes()
    assert all((np.diff(times[parts]) > 0).all() for parts in rolled.parts)


def test_each_column_of_a_bar_has_a_rule() -> None:
    assert tuple(RULES) == COLUMNS


def test_nothing_rolls_up_to_nothing() -> None:
    none = np.empty(0, "i8")
    assert len(roll(none, none, none, np.empty((0, len(COLUMNS))), NOTHING).rows) == 0


@pytest.mark.parametrize(("effect", "scaled"), [(Effect.RATIO, True), (Effect.CAPITAL, False), (Effect.CASH, False)])
def test_parts_before_a_ratio_are_put_into_the_new_terms(effect: Effect, scaled: bool) -> None:
    times = np.arange(1, 7) * MINUTE
    old = [10.0, 12.0, 9.0, 11.0, 100.0, 3.0, 1000.0, 10.0, 0.25, 0.125, -50.0, 40.0]
    new = [5.0, 5.5, 4.5, 5.0, 200.0, 3.0, 1000.0, 5.0, 0.25, 0.125, 100.0, 80.0]
    values = np.array([old] * 3 + [new] * 3)
    halved = Adjustment(3 * MINUTE, effect, "s", Fraction(1, 2), Fraction(2), Fraction(1))
    due = Due.of({"A": (halved,)}, {"A": 0})
    rolled = roll(np.zeros(6, "i8"), times, window_ends(times, 5 * MINUTE, "24/7"), values, due)
    as_it_was = [10.0, 12.0, 4.5, 5.0, 700.0, 15.0, 5000.0, 8.0, 1.25, 0.625, 50.0, 80.0]
    first = [5.0, 6.0, 4.5, 5.0, 1000.0, 15.0, 5000.0, 5.0, 1.25, 0.625, -100.0, 80.0] if scaled else as_it_was
    assert rolled.values.tolist() == [first, new]
    assert values[0, 0] == 10.0, "the parts themselves are left alone"


def test_a_ratio_between_two_windows_changes_no_bar() -> None:
    times = np.arange(1, 11) * MINUTE
    values = np.full((10, len(COLUMNS)), 2.0)
    due = Due.of({"A": (Adjustment(5 * MINUTE, Effect.RATIO, "s", Fraction(1, 2), Fraction(2)),)}, {"A": 0})
    rolled = roll(np.zeros(10, "i8"), times, window_ends(times, 5 * MINUTE, "24/7"), values, due)
    assert rolled.values.tolist() == [[2.0] * 4 + [10.0] * 3 + [2.0] + [10.0] * 3 + [2.0]] * 2


def table(*bars: tuple[str, str]) -> pa.Table:
    """Bars of one price by symbol and end, on 10 June 2024."""
    times = [np.datetime64(f"2024-06-10T{end}", "us").astype(int).item() for _, end in bars]
    price = {name: [1.0] * len(bars) for name in COLUMNS}
    return pa.table({"symbol": [name for name, _ in bars], "event_time": pa.array(times).cast(TIME), **price})


def rolled_up(bars: pa.Table, *actions: dict[str, Any]) -> list[tuple[str, float]]:
    """Symbol and number of trades of each daily bar, of New York."""
    days = batch.roll_up(bars, as_table(list(actions)), "1m", "1d", "XNYS")
    assert {time.strftime("%H:%M") for time in days["event_time"].to_pylist()} <= {"20:00"}
    return list(zip(days["symbol"].to_pylist(), days["trade_count"].to_pylist(), strict=True))


def test_a_bar_bears_the_last_ticker_and_is_of_one_security() -> None:
    monday = (np.datetime64("2024-06-10") - np.datetime64("1970-01-01")).astype(int).item()
    renamed = action("r", "SYMBOL_CHANGE", "A", other_symbol="B", ex_date=monday, **BUENOS_AIRES)
    gone = action("d", "DELISTING", "A", ex_date=monday, **BUENOS_AIRES)
    before, after = ("A", "13:45"), ("B", "15:00")
    assert rolled_up(table(before, after)) == [("A", 1.0), ("B", 1.0)]
    assert rolled_up(table(before, after), renamed) == [("B", 2.0)]
    assert rolled_up(table(before, ("A", "15:00")), gone) == [("A", 1.0)], "of the security that has the ticker now"
    assert rolled_up(table(before), gone) == []


def test_bars_outside_the_session_are_in_none() -> None:
    bars = table(*(("A", end) for end in ("09:00", "13:30", "13:31", "20:00", "20:01")))
    assert rolled_up(bars) == [("A", 2.0)]


@pytest.mark.parametrize(
    ("interval", "others", "steps"),
    [
        ("1m", ["5m"], []),
        ("5m", ["5m"], ["5m"]),
        ("1d", ["5m", "1h", "1d"], ["5m", "1h", "1d"]),
        ("15m", ["5m", "10m"], ["5m", "15m"]),
        ("1h", ["7m", "1d"], ["1h"]),
        ("1h", ["30s", "1d"], ["1h"]),
    ],
)
def test_bars_are_rolled_up_from_the_longest_that_fit(interval: str, others: list[str], steps: list[str]) -> None:
    assert chain("1m", interval, others) == steps


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError, match="90s is no multiple of 1m"):
        finer("90s", ["1m", "2m"])
