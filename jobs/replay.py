"""Parquet -> slices of ticks -> bars -> indicators, factors -> cross-section -> Parquet: the features job, bounded.

`tickloom replay --to features` submits it so:

    flink run -pym jobs.replay -pyfs dist/tickloom.zip --out OUT.parquet PATH...
"""

import argparse
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from feature_repo.log import FeatureLog
from feature_repo.views import apart, beside
from jobs.runtime.environment import environment
from jobs.runtime.spool import Spool
from jobs.stages.bars import Bars, bars
from jobs.stages.cross_section import CrossSection, cross_section
from jobs.stages.indicators import Indicators, factors, indicators
from jobs.stages.slices import ReadSlice, plan, read_slices
from schemas.settings import intervals_of, parse_duration, settings
from udfs.batch import FEATURES, read_actions
from udfs.catalogue import chosen
from udfs.frame import FEATURE_VIEWS, SYMBOL_VIEWS
from udfs.table import parts, table

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
        spool, out = Spool(Path(folder, "frames")), Path(options.out)
        for each in intervals:
            rows = write(spool, each, beside(out, each) if each != interval else out)
            print(f"{ticks:,} ticks, {rows:,} rows: {out}")


def write(spool: Spool, interval: str, out: Path) -> int:
    """The tables of an interval as files; the rows of symbols."""
    with FeatureLog(out) as log:
        found = table(spool.frames(interval, SYMBOL_VIEWS))
        log.take(FEATURES, found)
        for view in apart():
            for part in parts(spool.frames(interval, (view,)), view):
                log.take(view, part)
    return len(found)


if __name__ == "__main__":
    main()
