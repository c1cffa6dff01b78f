"""Parquet -> slices of ticks -> bars -> indicators, factors -> cross-section -> Parquet: the features job, bounded.

`tickloom replay --to features` submits it so:

    flink run -pym jobs.replay -pyfs dist/tickloom.zip --out OUT.parquet PATH...
"""

import argparse
import tempfile
from base64 import b64decode
from pathlib import Path

import pyarrow.parquet as pq

from jobs.runtime.environment import environment
from jobs.stages.bars import Bars, bars
from jobs.stages.cross_section import CrossSection, cross_section
from jobs.stages.indicators import Indicators, factors, indicators
from jobs.stages.slices import ReadSlice, plan, read_slices
from schemas.settings import parse_duration, settings
from udfs.batch import read_actions
from udfs.catalogue import chosen
from udfs.frame import BARS, Frame
from udfs.table import table

BLOCK_US = 60_000_000  # width of a slice where bars are not shorter
SINK = """create temporary table sink (payload bytes) with
    ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv')"""


def main() -> None:
    """Build the job, run it to its end, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("paths", nargs="+", help="Parquet files of ticks or bars")
    parser.add_argument("--out", required=True, help="Parquet file to write")
    parser.add_argument("--actions", help="Parquet file of corporate actions")
    parser.add_argument("--interval", default=settings().bars.interval, help="length of a bar: 1s, 1m, 1d")
    options = parser.parse_args()
    config, interval_us = settings(), parse_duration(options.interval)
    known = read_actions(pq.read_table(options.actions)) if options.actions else []

    _, tables = environment("tickloom.replay", bundle=8)
    with tempfile.TemporaryDirectory() as folder:
        plan_file = Path(folder) / "plan.csv"
        ticks = plan(options.paths, min(interval_us, BLOCK_US), interval_us, plan_file)
        blocks = read_slices(tables, plan_file, ReadSlice(options.paths, interval_us, config.state.shards))
        closed = bars(blocks, Bars(options.interval, config, known=known))
        frames = indicators(closed, Indicators(options.interval, config, known=known))
        if chosen(across=True):
            frames = frames.union(factors(closed, Indicators(options.interval, config, known=known, across=True)))
        crossed = cross_section(frames, CrossSection(options.interval, config))
        tables.create_temporary_view("frames", frames.union(crossed))
        tables.execute_sql(SINK.format(path=f"{folder}/frames"))
        tables.execute_sql(f"insert into sink select payload from frames where kind <> '{BARS}'").wait()
        lines = (line for part in Path(folder, "frames").glob("part-*") for line in part.open("rb"))
        result = table(Frame.unpack(b64decode(line)) for line in lines)
    pq.write_table(result, options.out)
    print(f"{ticks:,} ticks, {result.num_rows:,} rows: {options.out}")


if __name__ == "__main__":
    main()
