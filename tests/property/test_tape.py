"""A plan of slices gives every row of every file once, in the order of time."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles.tape import rows_in_order
from udfs.fnv import fnv1a
from udfs.tape import Reader, hashes, slices, to_ticks

TIMES = st.lists(st.integers(0, 200), max_size=30)
SCHEMA = pa.schema(
    {"symbol": pa.string(), "event_time": pa.timestamp("us", "UTC"), "price": pa.float64(), "size": pa.float64(),
     "sequence": pa.int64(), "trade_id": pa.string()}
)  # fmt: skip


def write(path: Path, times: list[int], name: str, row_group: int, statistics: bool) -> str:
    """A file of ticks at these microseconds, in this order; the trade_id tells every row apart."""
    rows = [
        {
            "symbol": "ABC"[i % 3],
            "event_time": t,
            "price": i + 1.0,
            "size": 1.0,
            "sequence": i,
            "trade_id": f"{name}-{i}",
        }
        for i, t in enumerate(times)
    ]
    table = pa.Table.from_pylist(rows, SCHEMA)
    pq.write_table(table, path, row_group_size=row_group, write_statistics=statistics)
    return str(path)


@settings(deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=4), st.integers(1, 9), st.integers(1, 60), st.booleans())
def test_every_row_once_in_order(files: list[list[int]], row_group: int, block_us: int, statistics: bool) -> None:
    with TemporaryDirectory() as folder:
        paths = [write(Path(folder) / f"{i}", times, str(i), row_group, statistics) for i, times in enumerate(files)]
        plan = list(slices(paths, block_us, interval_us=60))
        reader = Reader(interval_us=60)
        parts = [reader.read(part) for part in plan]
        expected = rows_in_order(paths)
    assert [part.block for part in plan] == sorted(part.block for part in plan)
    for part, table in zip(plan, parts, strict=True):
        times = table["event_time"].to_pylist()
        assert times == sorted(times)
        assert all(part.block <= time < part.block + block_us for time in times)
        assert part.rows == len(times) > 0
    rows = [row for table in parts for row in table.to_pylist()]
    assert sorted(row["trade_id"] for row in rows) == sorted(row["trade_id"] for row in expected)
    by_id = {row["trade_id"]: row for row in rows}
    for row in expected:
        found = by_id[row["trade_id"]]
        assert (found["symbol"], found["price"], found["sequence"]) == (row["symbol"], row["price"], row["sequence"])


@settings(deadline=None)
@given(st.lists(TIMES, min_size=1, max_size=3), st.data())
def test_a_slice_reads_the_same_from_any_reader(files: list[list[int]], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        paths = [write(Path(folder) / f"{i}", times, str(i), 5, True) for i, times in enumerate(files)]
        plan = list(slices(paths, 20, interval_us=60))
        kept = Reader(interval_us=60)
        shuffled = data.draw(st.permutations(plan))
        assert all(kept.read(part).equals(Reader(interval_us=60).read(part)) for part in shuffled)


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(max_size=9)), st.integers(0, 5))
def test_hashes_are_fnv1a(texts: list[str], first: int) -> None:
    array = pa.array(texts, pa.string()).slice(first)
    assert hashes(array).tolist() == [fnv1a(text) for text in texts[first:]]


@pytest.mark.parametrize("first", [0, 3])
def test_to_ticks_keeps_the_columns_of_a_slice(tmp_path: Path, first: int) -> None:
    path = write(tmp_path / "t", [5, 1, 9, 3, 7, 2], "x", 10, True)
    table = Reader(interval_us=60).read(next(slices([path], 100, 60))._replace(first=first, rows=3))
    ticks = to_ticks(table)
    assert [ticks.symbols[code] for code in ticks.code] == table["symbol"].to_pylist()
    assert ticks.event_time.tolist() == table["event_time"].to_pylist() == [[1, 2, 3], [5, 7, 9]][first // 3]
    assert ticks.trade_id.tolist() == [fnv1a(text) for text in table["trade_id"].to_pylist()]
    assert (ticks.kind.tolist(), ticks.size.tolist()) == ([0, 0, 0], [1.0, 1.0, 1.0])
