"""The real prices: what the files hold, and what a source that disagrees is told."""

from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DataError
from schemas.loader import load
from schemas.wire import encoder
from tests.oracles.tape import bar_of
from tickloom import sample
from tickloom.tape.files import ACTION, PRICE, read_actions
from udfs.adjustment import Policy, factors, problem
from udfs.securities import Actions
from udfs.sessions import DAY_US, EPOCH

NUMBERS = ("open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    sample.sample(out)
    return out


def test_bars_are_the_source(folder: Path) -> None:
    bars = pq.read_table(folder / "bars.parquet").to_pylist()
    assert bars == sorted(bars, key=lambda bar: (bar["event_time"], bar["symbol"]))
    found = {(bar["symbol"], bar["event_time"]): tuple(bar[name] for name in NUMBERS) for bar in bars}
    expected = {}
    for symbol, stock in sample._stocks().items():
        for row in zip(*(stock[name] for name in ("date", *NUMBERS)), strict=True):
            expected[symbol, datetime.fromisoformat(row[0] + "T00:00Z") + timedelta(days=1)] = row[1:]
    assert found == expected
    assert len(found) == 12_154


def test_ticks_rebuild_the_bars(folder: Path) -> None:
    ticks = pq.read_table(folder / "ticks.parquet")
    assert ticks.schema.equals(PRICE)
    rows = ticks.to_pylist()
    assert all(a["event_time"] <= b["event_time"] for a, b in pairwise(rows))
    days: dict[Any, list[dict[str, Any]]] = {}
    for row in rows:
        days.setdefault((row["symbol"], row["event_time"].date()), []).append(row)
    bars = pq.read_table(folder / "bars.parquet").to_pylist()
    assert len(days) == len(bars)
    for bar in bars:
        last_moment = bar["event_time"] - timedelta(microseconds=1)
        assert bar_of(days[bar["symbol"], last_moment.date()]) == {name: bar[name] for name in NUMBERS}


def test_the_real_splits(folder: Path) -> None:
    assert pq.read_schema(folder / "actions.parquet").equals(ACTION)
    rows = [row for row in pq.read_table(folder / "actions.parquet").to_pylist() if row["action_type"] == "SPLIT"]
    assert [(row["symbol"], row["ex_date"], row["numerator"], row["denominator"]) for row in rows] == [
        ("AAPL", date(2000, 6, 21), 2, 1),
        ("MSFT", date(2003, 2, 18), 2, 1),
        ("AAPL", date(2005, 2, 28), 2, 1),
    ]


# what the companies paid: the rate in cents, and how many quarters it was paid
PAID = {
    "AAPL": [(265, 3)],
    "FB": [],
    "GOOG": [],
    "IBM": [(13, 4), (14, 4), (15, 4), (16, 4), (18, 4), (20, 4), (30, 4), (40, 4), (50, 4), (55, 4), (65, 4), (75, 4),
            (85, 4)],
    "MSFT": [(8, 1), (16, 1), (8, 6), (9, 3), (10, 4), (11, 4), (13, 8), (16, 4), (20, 4), (23, 2)],
}  # fmt: skip


def test_the_real_dividends(folder: Path) -> None:
    rows = [row for row in pq.read_table(folder / "actions.parquet").to_pylist() if row["action_type"] != "SPLIT"]
    special = [row for row in rows if row["action_type"] == "SPECIAL_DIVIDEND"]
    assert [(row["symbol"], row["ex_date"], row["cash_amount"]) for row in special] == [("MSFT", date(2004, 11, 15), 3)]
    for symbol, rates in PAID.items():
        cents = [100 * row["cash_amount"] for row in rows if row["symbol"] == symbol and row not in special]
        assert cents == pytest.approx([rate for rate, times in rates for _ in range(times)], abs=1e-9)


@pytest.mark.parametrize("symbol", sample.SYMBOLS)
def test_total_return_is_that_of_the_source(folder: Path, symbol: str) -> None:
    """Our factors, chained over the whole history, adjust the closes as the source does: by the close of the ex-day."""
    stock = sample._stocks()[symbol]
    changes = Actions(read_actions(folder / "actions.parquet")).adjustments.get(symbol, ())
    ends = [date.fromisoformat(day).toordinal() - EPOCH + 1 for day in stock["date"]]
    factor = Fraction(stock["adj_close"][-1]) / Fraction(stock["close"][-1])
    for i in reversed(range(1, len(ends))):
        due = [c for c in changes if ends[i - 1] * DAY_US <= c.ex_time_us < ends[i] * DAY_US]
        factor *= factors(due, Policy.TOTAL_EX, stock["close"][i - 1], stock["close"][i])[0]
        factor = Fraction(float(factor))  # or its digits grow without bound
        assert stock["close"][i - 1] * factor == pytest.approx(stock["adj_close"][i - 1], rel=1e-12)


def test_actions_are_records_of_the_schema(folder: Path) -> None:
    assert [field["name"] for field in load("market.corporate_action.v1")["fields"]] == ACTION.names
    records = read_actions(folder / "actions.parquet")
    write = encoder("market.corporate_action.v1", 1)
    assert len({write(record) for record in records}) == 96
    assert records == sorted(records, key=lambda record: record["known_at"])
    assert all(record["known_at"] < record["ex_date"] * DAY_US for record in records)
    assert not any(problem(record) for record in records)


@pytest.mark.parametrize(
    ("bar", "mended", "count"),
    [
        ([10, 12, 9, 11], [10, 12, 9, 11], 0),
        ([13, 12, 9, 11], [13, 13, 9, 11], 1),
        ([10, 12, 9, 8], [10, 12, 8, 8], 1),
        ([8, 12, 9, 13], [8, 13, 8, 13], 1),
        ([10, 9, 12, 11], [10, 11, 10, 11], 1),  # low above high
    ],
)
def test_a_bar_is_widened_and_counted(bar: list[float], mended: list[float], count: int) -> None:
    columns = {"symbol": ["A"], "event_time": [0]} | {n: [float(v)] for n, v in zip(NUMBERS[:4], bar, strict=True)}
    table, repaired = sample.mend(pa.table(columns))
    assert [table[name][0].as_py() for name in NUMBERS[:4]] == mended
    assert repaired == count


def test_a_source_that_does_not_know_the_split_is_refused() -> None:
    stock = {"date": ["2000-06-20", "2000-06-21"], "close": [100.0, 50.0], "adj_close": [4.0, 2.0]}
    with pytest.raises(DataError, match="adjusts by 1, not 2"):
        sample.check_split(stock, sample.SPLITS[0])


def test_a_source_that_adjusts_for_what_is_no_whole_cent_is_refused() -> None:
    stock = {"date": ["2000-06-22", "2000-06-23"], "close": [100.0, 50.0], "adj_close": [100.0, 50.1234]}
    with pytest.raises(DataError, match=r"adjusts for 0\.1234 in cash"):
        sample.dividends("AAPL", stock)
