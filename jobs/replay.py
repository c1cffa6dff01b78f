"""Parquet -> slices of ticks -> bars -> indicators, factors -> cross-section -> Parquet: the features job, bounded.

`tickloom replay --to features` submits it so:

    flink run -pym jobs.replay -pyfs dist/tickloom.zip --out OUT.parquet PATH...
"""

import argparse
import tempfile
from base64 import b64decode
from collections import defaultdict
from pathlib import Path

import pyarrow.parquet as pq

from feature_repo.views import beside
from jobs.runtime.environment import environment
from jobs.stages.bars import Bars, bars
from jobs.stages.cross_section import CrossSection, cross_section
from jobs.stages.indicators import Indicators, factors, indicators
from jobs.stages.slices import ReadSlice, plan, read_slices
from schemas.settings import intervals_of, parse_duration, settings
from udfs.batch import read_actions
from udfs.catalogue import chosen
from udfs.frame import FEATURE_VIEWS, Frame
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
    config = settings()
    interval, *_ = intervals = intervals_of(config, options.interval)
    interval_us = parse_duration(interval)
    known = read_actions(pq.read_table(options.actions)) if options.actions else []

    _, tables = environment("tickloom.replay", bundle=8)
    with tempfile.TemporaryDirectory() as folder:
        plan_file = Path(folder) / "plan.csv"
        ticks = plan(options.paths, min(interval_us, BLOCK_US), interval_us, plan_file)
        blocks = read_slices(tables, plan_file, ReadSlice(options.paths, interval_us, config.state.shards))
        closed = bars(blocks, Bars(interval, config, known=known))
        frames = indicators(closed, Indicators(intervals, config, known=known))
        if chosen(across=True):
            frames = frames.union(factors(closed, Indicators(intervals, config, known=known, across=True)))
        crossed = cross_section(frames, CrossSection(intervals, config, known))
        tables.create_temporary_view("frames", frames.union(crossed))
        tables.execute_sql(SINK.format(path=f"{folder}/frames"))
        tables.execute_sql(f"insert into sink select payload from frames where kind in {FEATURE_VIEWS}").wait()
        lines = (line for part in Path(folder, "frames").glob("part-*") for line in part.open("rb"))
        found: defaultdict[str, list[Frame]] = defaultdict(list)
        for frame in (Frame.unpack(b64decode(line)) for line in lines):
            found[frame.interval].append(frame)
    for each in intervals:
        result, out = table(found[each]), Path(options.out)
        out = beside(out, each) if each != interval else out
        pq.write_table(result, out)
        print(f"{ticks:,} ticks, {result.num_rows:,} rows: {out}")


if __name__ == "__main__":
    main()
