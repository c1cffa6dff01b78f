"""Files -> chunks of ticks in the order in which they are published, and the bad messages between them.

In: Parquet files of ticks or bars; one may hold bad messages (poison.BAD), whose places count ticks in arrival order.
Out: tables of `udfs.prints.TICK`. Memory: a chunk, and the row groups that overlap in time.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import DataError
from udfs.tape import Reader, groups, slices
from udfs.tick_files import is_bars, open_file, read_group

CHUNK_ROWS = 50_000
BLOCK_US = 1_000_000
"""Time that is sorted at once: a chunk is made of whole blocks."""


def split_paths(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """(files of ticks or bars, files of bad messages), each in the order given."""
    bad = [path for path in paths if "payload" in open_file(path).schema_arrow.names]
    return [path for path in paths if path not in bad], bad


def count(paths: Sequence[str], interval_us: int) -> int:
    """Ticks (four a bar) and bad messages in the files."""
    tapes, bad = split_paths(paths)
    return sum(group.rows for group in groups(tapes, interval_us)) + sum(
        int(open_file(p).metadata.num_rows) for p in bad
    )


def is_tape(path: str) -> bool:
    """Whether a file holds ticks or bars."""
    try:
        is_bars(open_file(path).schema_arrow.names)
    except DataError:
        return False
    return True


def by_event_time(paths: Sequence[str], interval_us: int) -> Iterator[pa.Table]:
    """All ticks in the order of event time; equal times keep the order of the plan."""
    reader, rows, block = Reader(interval_us), 0, 0
    parts: list[pa.Table] = []
    for part in slices(paths, BLOCK_US, interval_us):
        if rows >= CHUNK_ROWS and part.block > block:
            yield _sorted(parts)
            parts, rows = [], 0
        parts.append(reader.read(part))
        rows, block = rows + part.rows, part.block
    if parts:
        yield _sorted(parts)


def by_arrival(paths: Sequence[str], interval_us: int) -> Iterator[pa.Table]:
    """All ticks in the order of the files, and within a file in its own."""
    for path in paths:
        for row_group in range(open_file(path).num_row_groups):
            table = read_group(path, row_group, interval_us)
            for first in range(0, len(table), CHUNK_ROWS):
                yield table.slice(first, CHUNK_ROWS)


def read_bad(paths: Sequence[str]) -> pa.Table | None:
    """All bad messages by their place, or None if there is no such file."""
    if not paths:
        return None
    return pa.concat_tables([pq.read_table(path) for path in paths]).sort_by("position")


def _sorted(parts: list[pa.Table]) -> pa.Table:
    table = pa.concat_tables(parts).unify_dictionaries().combine_chunks()
    times = table["event_time"].to_numpy()
    if np.all(times[1:] >= times[:-1]):
        return table
    return table.take(pa.array(np.argsort(times, kind="stable"))).combine_chunks()
