"""Parquet files of ticks or bars as one tape in event-time order: a plan of slices, and a reader of one slice.

In: Parquet files (see tick_files.py); they may overlap in time, and their rows may be out of order.
Out: `slices`, a plan whose blocks never go back in time; `Reader.read`, the rows of one slice as a table of `TICK`;
`to_ticks`, the same as the stages' columns. A slice is a name, not data: any process may read it, again and again.
Memory: the row groups that overlap in time are open together (MAX_OPEN_ROWS at most), nothing else.
This file must not know Kafka, Flink, or where the slices go.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.errors import DataError
from udfs.compiled import njit
from udfs.fnv import digest
from udfs.prints import PER_BAR
from udfs.tick_files import is_bars, open_file, read_group, read_times, text_buffers, time_range
from udfs.ticks import Ticks

MAX_OPEN_ROWS = 20_000_000


class Slice(NamedTuple):
    """Rows `first .. first + rows` of one row group, in its event-time order (bars: of their prints).

    Their event times lie in [block, block + block_us); block is in microseconds, a multiple of block_us.
    """

    block: int
    path: str
    row_group: int
    first: int
    rows: int


class Group(NamedTuple):
    """A row group: event times of its ticks lie in [low, high]; rows counts ticks (four a bar)."""

    low: int
    high: int
    path: str
    row_group: int
    rows: int


def groups(paths: Sequence[str], interval_us: int) -> list[Group]:
    """All row groups that hold rows, by first event time, then path and place; DataError for a path given twice."""
    if len(set(paths)) < len(paths):
        raise DataError("a file is named twice", where=", ".join(paths), hint="name each file once")
    return sorted(group for path in paths for group in _groups_of(path, interval_us))


def slices(paths: Sequence[str], block_us: int, interval_us: int) -> Iterator[Slice]:
    """The plan: every row of every file in exactly one slice, blocks in nondecreasing order across files.

    block_us: width of a block of time; interval_us: width of the bars where a file holds bars. A row group's time
    column is read when the plan reaches its first block, so a plan of any length starts at once.
    """
    waiting = groups(paths, interval_us)
    _check_overlap(waiting)
    waiting.reverse()
    heads: list[tuple[Slice, Iterator[Slice]]] = []
    while waiting or heads:
        while waiting and (not heads or waiting[-1].low < heads[0][0].block + block_us):
            _advance(heads, _cut(waiting.pop(), block_us, interval_us))
        head, rest = heappop(heads)
        yield head
        _advance(heads, rest)


class Reader:
    """Reads slices of files whose bars (if any) are interval_us wide; keeps a row group until a slice lies after it."""

    def __init__(self, interval_us: int) -> None:
        self._interval_us = interval_us
        self._open: dict[tuple[str, int], tuple[int, pa.Table]] = {}

    def read(self, part: Slice) -> pa.Table:
        """Rows of the slice in event-time order (equal times: in the file's order), columns of `TICK`, one chunk."""
        self._open = {key: kept for key, kept in self._open.items() if kept[0] >= part.block}
        key = part.path, part.row_group
        if key not in self._open:
            self._open[key] = self._load(*key)
        return self._open[key][1].slice(part.first, part.rows)

    def _load(self, path: str, row_group: int) -> tuple[int, pa.Table]:
        table = read_group(path, row_group, self._interval_us)
        times = table["event_time"].to_numpy()
        if np.any(times[1:] < times[:-1]):
            table = table.take(pa.array(np.argsort(times, kind="stable"))).combine_chunks()
        return int(times.max()), table


def to_ticks(table: pa.Table) -> Ticks:
    """A table of `TICK` as the columns that the stages work on: trade_id as FNV-1a 64 of its text."""
    symbol = table["symbol"].combine_chunks()
    numbers = {name: table[name].to_numpy() for name in ("event_time", "price", "size", "sequence", "kind")}
    ids = hashes(table["trade_id"].combine_chunks())
    return Ticks(symbol.dictionary.to_pylist(), symbol.indices.to_numpy(), trade_id=ids, **numbers)


def hashes(texts: pa.StringArray) -> NDArray[np.uint64]:
    """uint64[n]: FNV-1a 64 of the UTF-8 bytes of each text; none may be null."""
    found = np.empty(len(texts), "u8")
    _hash(*text_buffers(texts), found)
    return found


@njit
def _hash(data: NDArray[np.uint8], starts: NDArray[np.int32], found: NDArray[np.uint64]) -> None:
    for k in range(found.shape[0]):
        found[k], _ = digest(data, starts[k], starts[k + 1])


def _groups_of(path: str, interval_us: int) -> Iterator[Group]:
    file = open_file(path)
    per_row = PER_BAR if is_bars(file.schema_arrow.names, path) else 1
    for i in range(file.num_row_groups):
        if rows := file.metadata.row_group(i).num_rows:
            yield Group(*time_range(path, i, interval_us), path, i, rows * per_row)


def _cut(group: Group, block_us: int, interval_us: int) -> Iterator[Slice]:
    blocks = np.sort(read_times(group.path, group.row_group, interval_us) // block_us)
    firsts = np.flatnonzero(np.diff(blocks, prepend=blocks[0] - 1))
    for first, last in zip(firsts.tolist(), [*firsts[1:].tolist(), len(blocks)], strict=True):
        yield Slice(int(blocks[first]) * block_us, group.path, group.row_group, first, last - first)


def _advance(heads: list[tuple[Slice, Iterator[Slice]]], rest: Iterator[Slice]) -> None:
    if head := next(rest, None):
        heappush(heads, (head, rest))


def _check_overlap(ordered: list[Group]) -> None:
    """DataError when so many rows overlap in time that a merge would not fit into memory."""
    ends: list[tuple[int, int]] = []
    rows = 0
    for group in ordered:
        while ends and ends[0][0] < group.low:
            rows -= heappop(ends)[1]
        heappush(ends, (group.high, group.rows))
        rows += group.rows
        if rows > MAX_OPEN_ROWS:
            raise DataError(f"more than {MAX_OPEN_ROWS:,} rows overlap in time", where=group.path,
                            hint="write the files with smaller row groups, sorted by event_time")  # fmt: skip
