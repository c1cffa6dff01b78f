"""Feature values a second, frames in and vectors out, by the job's operator: `python -m tests.bench.through_flink`.

All packs of indicators on a mini-cluster of one slot: frames of bars are made beside the operator, which logs and steps
them (keyed state in RocksDB, anchors, timers, watermarks, all as in the job); its frames are packed as the store gets
them, and counted. The rate is the slope between a third and the last of the frames: values over seconds, and over the
seconds of processor that all processes took meanwhile, source and JVM included. Start: seconds until a worker with a
warm cache of kernels has made its first values.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil
from pyflink.common import Configuration, Row, Types, WatermarkStrategy
from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream import FlatMapFunction, MapFunction, RuntimeContext

from feature_repo.views import vectors
from jobs.runtime.envelope import ENVELOPE, envelope
from jobs.runtime.environment import environment
from jobs.stages.indicators import Indicators, indicators
from schemas.settings import settings
from tests.bench.catalogue import frames as bars
from udfs import catalogue
from udfs.bars import COLUMNS
from udfs.frame import BARS, INDICATORS, Frame

START, MINUTE_US, DRAWN = 1_700_000_040_000_000, 60_000_000, 64
SETTINGS = {
    "parallelism.default": "1",
    "state.backend.type": "rocksdb",
    "pipeline.auto-watermark-interval": "5ms",
    "python.fn-execution.bundle.time": "5",
    "python.executable": sys.executable,
    "rest.bind-address": "127.0.0.1",
}
WORKER = """
import time; started = time.perf_counter()
import numpy as np
from udfs.plan import Plan
from udfs.registry import COLUMNS
plan = Plan("1m")
plan.step(plan.blank(8), np.arange(8), dict.fromkeys(COLUMNS, np.ones(8)))
print(time.perf_counter() - started)
"""
Packed = tuple[float, float, int]
"""Wall seconds, processor seconds of all, values: as one frame's vectors are packed."""


class Times(TimestampAssigner):
    """Number of a frame -> end of its bars in milliseconds."""

    def extract_timestamp(self, value: int, record_timestamp: int) -> int:
        """The time."""
        return (START + value * MINUTE_US) // 1000


@dataclass
class Make(FlatMapFunction):
    """Number of a frame -> the frame of each shard."""

    symbols: int
    shards: int

    def open(self, context: RuntimeContext) -> None:
        """Draw some frames, which are used in turn."""
        names = [f"S{i:04d}" for i in range(self.symbols)]
        self.names = [names[i :: self.shards] for i in range(self.shards)]
        self.values = [np.column_stack([frame[name] for name in COLUMNS]) for frame in bars(self.symbols, DRAWN)]

    def flat_map(self, number: int) -> list[Row]:
        """The frames."""
        end, values = START + number * MINUTE_US, self.values[number % DRAWN]
        parts = [values[i :: self.shards] for i in range(self.shards)]
        made = [
            Frame(BARS, i, end, end, 0, self.names[i], COLUMNS, part, interval="1m") for i, part in enumerate(parts)
        ]
        return [envelope(frame) for frame in made]


class Pack(MapFunction):
    """A frame -> its vectors, which are dropped, and when they were made."""

    def map(self, row: Row) -> Row:
        """Packed; of other kinds 0 values."""
        if row[1] != INDICATORS:
            return Row(0.0, 0.0, 0)
        frame = Frame.unpack(row[2])
        packed = vectors(frame.feature_view, frame, 1, time.time_ns() // 1000)
        return Row(time.monotonic(), _processor(), len(packed) * len(frame.names))


def measure(symbols: int, shards: int, number: int) -> list[Packed]:
    """Run the job on so many frames, in a process that ends with it."""
    stream, _ = environment("tickloom.bench")
    configuration = Configuration()
    for key, value in SETTINGS.items():
        configuration.set_string(key, value)
    stream.configure(configuration)
    config = settings()
    config = config.model_copy(update={"state": config.state.model_copy(update={"shards": shards})})
    strategy = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Times())
    numbers = stream.from_collection(list(range(number)), Types.INT()).assign_timestamps_and_watermarks(strategy)
    frames = indicators(numbers.flat_map(Make(symbols, shards), ENVELOPE), Indicators(["1m"], config))
    packed = frames.map(Pack(), Types.ROW([Types.DOUBLE(), Types.DOUBLE(), Types.INT()]))
    with packed.execute_and_collect() as rows:
        return [(row[0], row[1], row[2]) for row in rows if row[2]]


def _processor() -> float:
    """Seconds of processor of the whole job: this worker, the JVM above it and what else that started."""
    top = psutil.Process()
    while (above := top.parent()) is not None and above.pid != int(os.environ["BENCH"]):
        top = above
    times = [each.cpu_times() for each in [top, *top.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def start() -> float:
    """Seconds from the first line of a new process to the first values, kernels compiled before: the best of three."""
    runs = [subprocess.run([sys.executable, "-c", WORKER], capture_output=True, text=True, check=True) for _ in "123"]
    return min(float(run.stdout) for run in runs)


def main() -> None:
    """One line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400)
    number = parser.parse_args().frames
    cache = os.environ.get("NUMBA_CACHE_DIR") or str(Path(".tickloom/numba").absolute())
    packs = json.dumps([pack for pack in catalogue.names() if not catalogue.looks_across(catalogue.rows(pack))])
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"TICKLOOM_FEATURES__PACKS": packs, "TICKLOOM_HOME": folder, "NUMBA_CACHE_DIR": cache}
        os.environ["BENCH"] = str(os.getpid())
        start()
        print(f"worker start with a warm cache: {start():.1f} s; load {os.getloadavg()[0]:.1f}")
        for symbols, shards, share in ((500, 1, 1), (500, 8, 1), (3_000, 1, 6), (3_000, 8, 6)):
            with ProcessPoolExecutor(1, get_context("spawn")) as own:
                found = own.submit(measure, symbols, shards, max(number // share, 60)).result(timeout=900)
            found = found[len(found) // 3 :]
            values = sum(count for _, _, count in found[1:])
            wall, processor = (found[-1][k] - found[0][k] for k in (0, 1))
            rates = f"{values / wall / 1e6:>8.1f} M values/s{values / processor / 1e6:>8.1f} M a second of processor"
            print(f"{symbols:>6,} symbols, {shards} shards{rates}; load {os.getloadavg()[0]:.1f}", flush=True)


if __name__ == "__main__":
    main()
