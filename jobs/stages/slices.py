"""Slices: references to rows of Parquet files, in an order that a plan made -> blocks of ticks per shard."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, FlatMapFunction, RuntimeContext
from pyflink.table import StreamTableEnvironment

from jobs.runtime.envelope import ENVELOPE, TICKS
from udfs.tape import Reader, Slice, slices, to_ticks
from udfs.ticks import HEARTBEAT, shard_of

PLAN = """create temporary table plan (
    block bigint, file int, row_group int, `first` int, `rows` int,
    rt as cast(to_timestamp_ltz(block / 1000, 3) as timestamp(3)),
    watermark for rt as rt - interval '0.001' second
) with ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv')"""


class ReadSlice(FlatMapFunction):
    """A row of the plan -> the ticks of its rows, by shard. Nothing is copied through the JVM."""

    def __init__(self, paths: Sequence[str], interval_us: int, shards: int) -> None:
        self.paths, self.interval_us, self.shards = list(paths), interval_us, shards

    def open(self, context: RuntimeContext) -> None:
        """A reader keeps the row group at hand."""
        self.reader = Reader(self.interval_us)

    def flat_map(self, row: Row) -> Iterator[Row]:
        """One slice."""
        block, file, row_group, first, rows = row[:5]
        ticks = to_ticks(self.reader.read(Slice(block, self.paths[file], row_group, first, rows)))
        ticks = ticks.take(ticks.kind != HEARTBEAT)
        shard = np.array([shard_of(name, self.shards) for name in ticks.symbols], "i8")[ticks.code]
        for number in np.unique(shard):
            yield Row(int(number), TICKS, ticks.take(shard == number).pack())


def plan(paths: Sequence[str], block_us: int, interval_us: int, out: Path) -> int:
    """Write the plan of a replay to a CSV file; the number of ticks in it."""
    places = {path: i for i, path in enumerate(paths)}
    total = 0
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        for part in slices(paths, block_us, interval_us):
            writer.writerow([part.block, places[part.path], part.row_group, part.first, part.rows])
            total += part.rows
    return total


def read_slices(tables: StreamTableEnvironment, plan_file: Path, function: ReadSlice) -> DataStream:
    """The plan's rows, shared out over all readers; the watermark keeps the order that the plan made."""
    tables.execute_sql(PLAN.format(path=plan_file))
    rows = tables.to_data_stream(tables.sql_query("select * from plan"))
    return rows.rebalance().flat_map(function, output_type=ENVELOPE).uid("replay.read").name("read")
