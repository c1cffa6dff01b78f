"""Feature values a second, frames in and vectors out, by the job's operator: `python -m tests.bench.through_flink`.

The whole catalogue on a mini-cluster of one slot: frames of bars are made beside the operator, which logs and steps
them (keyed state in RocksDB, anchors, timers, watermarks, all as in the job); its frames are packed as the store gets
them, and counted. The rate is the slope between a third and the last of the frames: values over seconds, and over the
seconds of processor that all processes took meanwhile, source and JVM included.
"""

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import psutil

from tests.bench.catalogue import frames as bars
from udfs import catalogue

START, MINUTE_US = 1_700_000_040_000_000, 60_000_000
SETTINGS = {
    "parallelism.default": "1",
    "state.backend.type": "rocksdb",
    "pipeline.auto-watermark-interval": "5ms",
    "python.fn-execution.bundle.time": "5",
    "python.executable": sys.executable,
    "rest.bind-address": "127.0.0.1",
}


def measure(symbols: int, shards: int, number: int) -> list[tuple[float, float, int]]:
    """(wall seconds, processor seconds of this process's children, values) as each frame's vectors are packed."""
    from pyflink.common import Configuration, Row, Types, WatermarkStrategy
    from pyflink.common.watermark_strategy import TimestampAssigner
    from pyflink.datastream import FlatMapFunction, MapFunction, RuntimeContext

    from feature_repo.views import vectors
    from jobs.runtime.envelope import ENVELOPE, envelope
    from jobs.runtime.environment import environment
    from jobs.stages.indicators import Indicators, indicators
    from schemas.settings import settings
    from udfs.bars import COLUMNS
    from udfs.frame import BARS, INDICATORS, Frame

    class Time(TimestampAssigner):
        def extract_timestamp(self, value: int, record_timestamp: int) -> int:
            return (START + value * MINUTE_US) // 1000

    class Make(FlatMapFunction):
        def open(self, context: RuntimeContext) -> None:
            names = [f"S{i:04d}" for i in range(symbols)]
            self.parts = [names[i::shards] for i in range(shards)]
            made = bars(symbols, 64)
            blank = np.full(symbols, 1.0)
            self.values = [np.column_stack([one.get(name, blank) for name in COLUMNS]) for one in made]

        def flat_map(self, number: int) -> "list[Row]":
            end, values = START + number * MINUTE_US, self.values[number % 64]
            return [envelope(Frame(BARS, i, end, end, 0, part, tuple(COLUMNS), values[i::shards], interval="1m"))
                    for i, part in enumerate(self.parts)]  # fmt: skip

    class Pack(MapFunction):
        def map(self, row: Row) -> Row:
            if row[1] != INDICATORS:
                return Row(0.0, 0.0, 0)
            frame = Frame.unpack(row[2])
            packed = vectors("indicators_1m", frame, 1, time.time_ns() // 1000)
            return Row(time.monotonic(), _processor(), len(packed) * len(frame.names))

    stream, _ = environment("tickloom.bench")
    configuration = Configuration()
    for key, value in SETTINGS.items():
        configuration.set_string(key, value)
    stream.configure(configuration)
    config = settings()
    config = config.model_copy(update={"state": config.state.model_copy(update={"shards": shards})})
    strategy = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Time())
    numbers = stream.from_collection(list(range(number)), Types.INT()).assign_timestamps_and_watermarks(strategy)
    frames = numbers.flat_map(Make(), output_type=ENVELOPE)
    packed = indicators(frames, Indicators(["1m"], config)).map(
        Pack(), output_type=Types.ROW([Types.DOUBLE(), Types.DOUBLE(), Types.INT()])
    )
    with packed.execute_and_collect() as rows:
        return [(row[0], row[1], row[2]) for row in rows if row[2]]


def _processor() -> float:
    """Seconds of processor of the whole bench: this worker, the JVM above it and what else that started."""
    top = psutil.Process()
    while (above := top.parent()) is not None and above.pid != int(os.environ["BENCH"]):
        top = above
    times = [each.cpu_times() for each in [top, *top.children(recursive=True)]]
    return sum(one.user + one.system for one in times)


def main() -> None:
    """One line a size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=400)
    number = parser.parse_args().frames
    print(f"load {os.getloadavg()[0]:.1f}; values of the whole catalogue, frames in and vectors out")
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {
            "TICKLOOM_FEATURES__PACKS": str(list(catalogue.names())).replace("'", '"'),
            "TICKLOOM_HOME": str(Path(folder)),
            "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(Path(".tickloom/numba").absolute())),
            "BENCH": str(os.getpid()),
        }
        for symbols, shards, share in ((500, 1, 1), (500, 8, 1), (3_000, 1, 6), (3_000, 8, 6)):
            with ProcessPoolExecutor(1, get_context("spawn")) as own:
                found = own.submit(measure, symbols, shards, max(number // share, 60)).result(timeout=900)
            found = found[len(found) // 3 :]
            values = sum(count for _, _, count in found[1:])
            wall, processor = (found[-1][k] - found[0][k] for k in (0, 1))
            print(f"{symbols:>6,} symbols in {shards} shards{values / wall / 1e6:>10.1f} M values/s"
                  f"{values / processor / 1e6:>10.1f} M values per second of processor", flush=True)  # fmt: skip
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
