"""The real prices: what the files hold, and what a source that disagrees is told."""

from datetime import date, datetime, timedelta
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
    rows = pq.read_table(folder / "actions.parquet").to_pylist()
    assert [(row["symbol"], row["ex_date"], row["numerator"], row["denominator"]) for row in rows] == [
        ("AAPL", date(2000, 6, 21), 2, 1),
        ("MSFT", date(2003, 2, 18), 2, 1),
        ("AAPL", date(2005, 2, 28), 2, 1),
    ]
    assert all(row["known_at"].date() < row["ex_date"] for row in rows)


def test_actions_are_records_of_the_schema(folder: Path) -> None:
    assert [field["name"] for field in load("market.corporate_action.v1")["fields"]] == ACTION.names
    records = read_actions(folder / "actions.parquet")
    write = encoder("market.corporate_action.v1", 1)
    assert len({write(record) for record in records}) == 3
    assert records == sorted(records, key=lambda record: record["known_at"])


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
