"""What a Parquet file of ticks or bars holds, as ticks: the columns `TICK`, whatever form the file has.

In: a file and the number of a row group. Ticks have the columns of market.price.v1, of which trade_id, kind, venue and
conditions may be missing; bars are read as prints (see prints.py). Time may be a timestamp of any unit (without a zone:
UTC) or int64 microseconds. Out: tables of `TICK`, times as int64 microseconds; DataError with the place otherwise.
This file must not know any order across row groups (see tape.py).
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from schemas.errors import DataError, nearest
from udfs.prints import BAR_COLUMNS, PER_BAR, TICK, prints

KINDS = ("TRADE", "CANCEL", "CORRECT", "HEARTBEAT")
DEFAULTS = {"trade_id": "", "kind": "TRADE", "venue": None, "conditions": None}
TIME = pa.timestamp("us", "UTC")


def is_bars(names: Sequence[str], where: str = "") -> bool:
    """True for the columns of bars, False for those of ticks; DataError names what is missing for either."""
    bars = "open" in names
    needed = set(BAR_COLUMNS) if bars else set(TICK.names) - set(DEFAULTS)
    if missing := sorted(needed - set(names)):
        what = f"no column {missing[0]!r}: neither ticks nor bars"
        raise DataError(what, where=where, hint=nearest(missing[0], names))
    return bars


def open_file(path: str) -> pq.ParquetFile:
    """The file, its footer read once as long as the file stays the same; DataError if it is no Parquet file."""
    try:
        stat = Path(path).stat()
        return _open_file(path, stat.st_mtime_ns, stat.st_size)
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read Parquet: {error}", where=path) from error


@lru_cache(maxsize=64)
def _open_file(path: str, _mtime_ns: int, _size: int) -> pq.ParquetFile:
    return pq.ParquetFile(path, read_dictionary=["symbol"])


def read_group(path: str, row_group: int, interval_us: int) -> pa.Table:
    """All ticks of one row group (bars of width interval_us as prints) in the file's order, columns of `TICK`."""
    file = open_file(path)
    where = _place(path, row_group)
    if is_bars(file.schema_arrow.names, path):
        table = file.read_row_group(row_group, columns=list(BAR_COLUMNS))
        _refuse_nulls(table, where)
        return prints(table, interval_us)
    names = [name for name in TICK.names if name in file.schema_arrow.names]
    return conform(file.read_row_group(row_group, columns=names), where)


def conform(table: pa.Table, where: str = "") -> pa.Table:
    """Ticks as files have them -> columns of `TICK`, one chunk each."""
    for name in sorted(DEFAULTS.keys() - set(table.column_names)):
        table = table.append_column(name, pa.array(np.full(len(table), DEFAULTS[name], object), pa.string()))
    _refuse_nulls(table, where)
    columns = {name: table[name].combine_chunks() for name in TICK.names}
    columns["event_time"] = microseconds(columns["event_time"], where)
    columns["kind"] = _kinds(columns["kind"], where)
    return pa.table([columns[field.name].cast(field.type) for field in TICK], TICK)


def read_times(path: str, row_group: int, interval_us: int) -> NDArray[np.int64]:
    """int64[n]: event times of all ticks of a row group, in the order of `read_group`."""
    file = open_file(path)
    table = file.read_row_group(row_group, columns=["event_time"])
    _refuse_nulls(table, _place(path, row_group))
    times: NDArray[np.int64] = microseconds(table["event_time"].combine_chunks(), _place(path, row_group)).to_numpy()
    if is_bars(file.schema_arrow.names, path):
        times = (times[:, None] - interval_us + np.arange(PER_BAR) * interval_us // PER_BAR).ravel()
    return times


def time_range(path: str, row_group: int, interval_us: int) -> tuple[int, int]:
    """First and last event time of a row group's ticks: by the file's statistics, else by reading the column."""
    file = open_file(path)
    column = file.schema_arrow.get_field_index("event_time")
    known = file.metadata.row_group(row_group).column(column).statistics
    if known is None or not known.has_min_max:
        times = read_times(path, row_group, interval_us)
        return int(times.min()), int(times.max())
    ends = pa.array([known.min, known.max], file.schema_arrow.field(column).type)
    low, high = microseconds(ends, _place(path, row_group)).to_pylist()
    if is_bars(file.schema_arrow.names, path):
        return low - interval_us, high - interval_us + (PER_BAR - 1) * interval_us // PER_BAR
    return low, high


def text_buffers(texts: pa.StringArray) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """UTF-8 bytes, and starts int32[n + 1]: text k is data[starts[k]:starts[k + 1]]; none may be null."""
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets or bytes(4), "i4")[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data or b"", "u1"), starts


def microseconds(times: pa.Array, where: str = "") -> pa.Array:
    """Timestamps of any unit, or int64 microseconds -> int64 microseconds UTC; DataError for finer times."""
    try:
        return times.cast(TIME).cast(pa.int64())
    except pa.ArrowInvalid as error:
        raise DataError(f"event_time: {error}", where=where, hint="round event_time to microseconds") from error


def _place(path: str, row_group: int) -> str:
    return f"{path}, row group {row_group}"


def _kinds(texts: pa.Array, where: str) -> pa.Array:
    codes = pc.index_in(texts.cast(pa.string()), pa.array(KINDS))
    if codes.null_count:
        unknown = str(texts.filter(codes.is_null())[0])
        raise DataError(f"unknown kind {unknown!r}", where=where, hint=nearest(unknown, KINDS))
    return codes


def _refuse_nulls(table: pa.Table, where: str) -> None:
    for name in table.column_names:
        if name not in ("venue", "conditions") and table[name].null_count:
            raise DataError(f"column {name!r} has missing values", where=where, hint="remove or fill these rows")
