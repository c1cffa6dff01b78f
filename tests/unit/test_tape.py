"""Files of several forms, and what is said about files that cannot be used."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import DataError
from udfs import tape
from udfs.tape import Reader, Slice, slices
from udfs.tick_files import conform, is_bars

UTC = pa.timestamp("us", "UTC")
TICKS: dict[str, Any] = {"symbol": ["A", "B"], "event_time": pa.array([1_000, 2_000], UTC), "price": [1.0, 2.0],
                         "size": [1, 2], "sequence": [0, 0]}  # fmt: skip
BARS: dict[str, Any] = {"symbol": ["A", "A"], "event_time": pa.array([400, 800], UTC), "open": [1.0, 5.0],
                        "high": [3.0, 7.0], "low": [0.5, 4.0], "close": [2.0, 6.0], "volume": [10, 11]}  # fmt: skip


def write(path: Path, columns: dict[str, Any], **options: Any) -> str:
    pq.write_table(pa.table(columns), path, **options)
    return str(path)


def read_all(paths: list[str], block_us: int, interval_us: int) -> list[dict[str, Any]]:
    reader = Reader(interval_us)
    return [row for part in slices(paths, block_us, interval_us) for row in reader.read(part).to_pylist()]


def test_bars_and_ticks_are_one_tape(tmp_path: Path) -> None:
    # bars [0, 400) and [400, 800) print every 100 us; ticks lie at 1000 and 2000
    rows = read_all([write(tmp_path / "bars", BARS), write(tmp_path / "ticks", TICKS)], 150, 400)
    assert [row["event_time"] for row in rows] == [0, 100, 200, 300, 400, 500, 600, 700, 1_000, 2_000]
    assert [row["price"] for row in rows] == [1.0, 3.0, 0.5, 2.0, 5.0, 7.0, 4.0, 6.0, 1.0, 2.0]


def test_a_row_group_at_the_edge_of_a_block(tmp_path: Path) -> None:
    # time  0 ........ 9 | 10 ..... blocks of 10; the second row group starts in the block that the first one ends
    path = write(tmp_path / "t", TICKS | {"event_time": pa.array([8, 9], UTC)}, row_group_size=1)
    other = write(tmp_path / "u", TICKS | {"event_time": pa.array([9, 10], UTC)}, row_group_size=2)
    assert list(slices([path, other], 10, 400)) == [
        Slice(0, path, 0, 0, 1), Slice(0, path, 1, 0, 1), Slice(0, other, 0, 0, 1), Slice(10, other, 0, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", [pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns", "UTC"), pa.int64()])
@pytest.mark.parametrize("statistics", [True, False])
def test_time_in_any_form(tmp_path: Path, kind: pa.DataType, statistics: bool) -> None:
    times = TICKS["event_time"].cast(kind)
    path = write(tmp_path / "t", TICKS | {"event_time": times}, write_statistics=statistics)
    assert [row["event_time"] for row in read_all([path], 100, 400)] == [1_000, 2_000]


def test_missing_optional_columns_take_the_defaults_of_the_schema() -> None:
    row = conform(pa.table(TICKS)).to_pylist()[0]
    assert {name: row[name] for name in ("trade_id", "kind", "venue", "conditions")} == {
        "trade_id": "", "kind": 0, "venue": None, "conditions": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "what"),
    [
        (TICKS | {"kind": ["TRADE", "CANCLE"]}, "unknown kind 'CANCLE'.*\n.*\n.*'CANCEL'"),
        (TICKS | {"price": [1.0, None]}, "'price' has missing values.*\n.*row group 0"),
        (TICKS | {"event_time": pa.array([1_500, 2_000], pa.timestamp("ns"))}, "would lose data"),
        ({**BARS, "volumen": BARS["volume"]} | {"volume": None}, "'volume'.*\n.*\n.*'volumen'"),
        ({name: TICKS[name] for name in ("symbol", "event_time", "price")}, "'sequence'"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, columns: dict[str, Any], what: str) -> None:
    path = write(tmp_path / "t", {name: values for name, values in columns.items() if values is not None})
    with pytest.raises(DataError, match=what):
        read_all([path], 100, 400)


def test_no_parquet_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("symbol,price")
    for name in ("x", "absent"):
        with pytest.raises(DataError, match="cannot read Parquet"):
            read_all([str(tmp_path / name)], 100, 400)


def test_a_file_named_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "t", TICKS)
    with pytest.raises(DataError, match="twice"):
        read_all([path, path], 100, 400)


def test_too_many_overlapping_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MAX_OPEN_ROWS", 3)
    paths = [write(tmp_path / name, TICKS) for name in "ab"]
    with pytest.raises(DataError, match="overlap"):
        read_all(paths, 100, 400)
    later = write(tmp_path / "c", TICKS | {"event_time": pa.array([3_000, 4_000], UTC)})
    assert len(read_all([paths[0], later], 100, 400)) == 4


def test_a_rewritten_file_is_read_again(tmp_path: Path) -> None:
    path = write(tmp_path / "t", TICKS)
    assert len(read_all([path], 100, 400)) == 2
    write(tmp_path / "t", {name: values[:1] for name, values in TICKS.items()})
    assert len(read_all([path], 100, 400)) == 1


def test_forms_are_told_apart() -> None:
    assert is_bars(list(BARS))
    assert not is_bars(list(TICKS))


def test_a_row_group_is_decoded_once_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # row groups of two ticks      a: 0 1 | 10 11 | 20 21      b: 1 10 | 11 20        blocks of 5
    decoded = []
    read_group = tape.read_group
    monkeypatch.setattr(tape, "read_group", lambda *place: decoded.append(place) or read_group(*place))
    files = {"a": [0, 1, 10, 11, 20, 21], "b": [1, 10, 11, 20]}
    paths = []
    for name, times in files.items():
        columns = {
            column: list(values) * (len(times) // 2) for column, values in TICKS.items() if column != "event_time"
        }
        paths.append(write(tmp_path / name, columns | {"event_time": pa.array(times, UTC)}, row_group_size=2))
    reader, most = Reader(400), 0
    for part in slices(paths, 5, 400):
        reader.read(part)
        most = max(most, len(reader._open))
    assert len(decoded) == len(set(decoded)) == 5
    assert most == 3
