"""From the end of a bar to its features in the store, live: `python -m tests.bench.freshness [--seconds N]`.

A stack of its own with Redis; 500 symbols, 20,000 ticks a second of the clock, bars of 1 s, exactly once to Kafka, all
features and the cross-section. Ticks carry the time of the clock at which they are sent. Two figures, both less the
allowed lateness: the job's own histogram `freshness_ms`, and what a reader sees that polls one symbol of each shard.
"""

import argparse
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.settings import parse_duration, settings, store_url
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.metrics import GROUP
from tickloom.replay import Order, Target, replay
from tickloom.stack import control
from tickloom.stack.components import flink_url
from tickloom.synth import synth
from udfs.ticks import shard_of

SYMBOLS, RATE, INTERVAL = 500, 20_000, "1s"
VIEWS = ("indicators_1s", "cross_asset_1s")
WARM_S = 20
LEAD_S = 3


def live(tape: Path) -> pa.Table:
    """The ticks, moved to begin in a moment, on a whole second."""
    ticks = pq.read_table(tape)
    times = ticks["event_time"].cast(pa.int64()).to_numpy()
    begin = (time.time_ns() // 1_000_000_000 + LEAD_S) * 1_000_000
    moved = pa.array(times - times.min() // 1_000_000 * 1_000_000 + begin).cast(ticks.schema.field("event_time").type)
    return ticks.set_column(ticks.column_names.index("event_time"), "event_time", moved)


class Poller(threading.Thread):
    """When a new bar of any watched symbol could first be read, milliseconds after its end, by view."""

    def __init__(self, symbols: list[str], lateness_us: int) -> None:
        super().__init__(daemon=True)
        self.symbols, self.lateness_us, self.seen = symbols, lateness_us, dict[str, list[float]]()
        self.done = threading.Event()

    def run(self) -> None:
        """Poll until done."""
        store, last = open_store(store_url()), {view: np.zeros(len(self.symbols), np.int64) for view in VIEWS}
        while not self.done.wait(0.004):
            found = store.read_many(settings().store.project, [(view, self.symbols) for view in VIEWS])
            now = time.time_ns() // 1000
            for view, raw in zip(VIEWS, found, strict=True):
                at = layout(view).unpack(raw).event_time
                new = at > last[view]
                last[view] = at
                self.seen.setdefault(view, []).extend(((now - at[new] - self.lateness_us) / 1000).tolist())
        store.close()


def watched(symbols: list[str], shards: int) -> list[str]:
    """One symbol of each shard."""
    return list({shard_of(name, shards): name for name in symbols}.values())


def main() -> None:
    """Run it and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, own_home(Path(name) / "home"):
        folder, load = Path(name), os.getloadavg()[0]
        control.up(auto_ports=True)
        pipeline.empty()
        synth(SYMBOLS, RATE * (options.seconds + WARM_S), 1, folder, interval=INTERVAL, rate=RATE)
        job = run_job("jobs.features", ["--interval", INTERVAL], 2)
        FlinkRest(flink_url()).ready(job)
        lateness_us = parse_duration(settings().bars.lateness)
        ticks = live(folder / "ticks.parquet")
        poller = Poller(watched(sorted(set(ticks["symbol"].to_pylist())), settings().state.shards), lateness_us)
        first = ticks["event_time"].cast(pa.int64())[0].as_py()
        pq.write_table(ticks, folder / "live.parquet")
        time.sleep(max(0.0, first / 1e6 - time.time()))
        order = ([folder / "live.parquet"], Target.KAFKA, None, INTERVAL, Order.ARRIVAL, 1.0)
        feed = threading.Thread(target=replay, args=order)
        feed.start()
        time.sleep(WARM_S)
        before = FlinkRest(flink_url()).metrics(job, GROUP)
        poller.start()
        feed.join()
        time.sleep(5)
        after = FlinkRest(flink_url()).metrics(job, GROUP)
        poller.done.set()
        poller.join()
        print(f"{RATE:,} ticks/s, {SYMBOLS} symbols, lateness {settings().bars.lateness}; load {load:.1f} before")
        for view in VIEWS:
            show(view, {key: after[key] - before.get(key, 0) for key in after if f"view.{view}." in key})
            seen = np.array(poller.seen[view])
            p50, p99 = np.percentile(seen, [50, 99])
            print(f"  seen by a reader: p50 {p50:.0f} ms, p99 {p99:.0f} ms, {len(seen):,} times")


def show(view: str, values: dict[str, float]) -> None:
    """The histogram's lines, and the bounds within which its median and 99th percentile lie."""
    buckets = {key.split(".le.")[1].split(".")[0]: number for key, number in values.items() if ".le." in key}
    bounds = sorted((le for le in buckets if le != "+Inf"), key=int)
    total = buckets["+Inf"]
    within = [next((le for le in bounds if buckets[le] >= share * total), "+Inf") for share in (0.5, 0.99)]
    print(f"{view}: {total:,.0f} frames, p50 <= {within[0]} ms, p99 <= {within[1]} ms")
    print("  " + ", ".join(f"<= {le}: {buckets[le]:,.0f}" for le in [*bounds, "+Inf"]))


if __name__ == "__main__":
    main()
