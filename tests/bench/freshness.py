"""From the end of a bar to its features in the store, live: `python -m tests.bench.freshness [--seconds N]`.

A stack of its own with Redis; 500 symbols, 20,000 ticks a second of the clock, bars of 1 s, exactly once to Kafka, all
features and the cross-section. Ticks are sent at their event time, in steps of 5 ms, never before it; how late they
were sent is stated. Two figures, both less the allowed lateness: the job's own histogram `freshness_ms`, and what a
reader sees that polls one symbol of each shard.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_repo.stores import open_store
from feature_repo.views import layout
from schemas.registry import register
from schemas.settings import parse_duration, settings, store_url
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.metrics import GROUP
from tickloom.stack import control
from tickloom.stack.components import flink_url
from tickloom.synth import synth
from tickloom.tape import chunks
from tickloom.tape.messages import PRICE, Framer, Messages
from tickloom.tape.publish import Publisher, Topic
from udfs.ticks import shard_of

SYMBOLS, RATE, INTERVAL = 500, 20_000, "1s"
VIEWS = ("indicators_1s", "cross_asset_1s")
WARM_S = 120  # the JVM compiles for as long on two busy cores
STEP_MS = 5
LEAD_S = 20


def live(tape: Path) -> Iterator[pa.Table]:
    """The ticks in chunks, moved to begin in a moment, on a whole second."""
    begin, first = (time.time_ns() // 1_000_000_000 + LEAD_S) * 1_000_000, -1
    for chunk in chunks.by_arrival([str(tape)], parse_duration(INTERVAL)):
        times = chunk["event_time"].to_numpy()
        first = int(times.min()) // 1_000_000 * 1_000_000 if first < 0 else first
        moved = pa.array(times.astype(np.int64) - first + begin)
        yield chunk.set_column(chunk.column_names.index("event_time"), "event_time", moved)


class Feed(threading.Thread):
    """Sends ticks when their time has come; `late_ms` says how long after it each step was sent."""

    def __init__(self, tape: Path) -> None:
        super().__init__(daemon=True)
        topic = Topic(settings().kafka, PRICE)
        self.publisher, self.messages = Publisher(topic, topic.ends(), resumed=False), Messages()
        framer = Framer(register(settings().registry.url)[PRICE], topic.partitions)
        for chunk in live(tape):
            self.messages += framer.ticks(chunk)
        self.late_ms: list[float] = []

    def run(self) -> None:
        """Send all."""
        times = np.array(self.messages.times_ms)
        cuts = np.flatnonzero(np.diff(times // STEP_MS, prepend=-1)).tolist()
        for first, last in zip(cuts, [*cuts[1:], len(times)], strict=True):
            due_ms = (times[first] // STEP_MS + 1) * STEP_MS
            time.sleep(max(0.0, due_ms / 1000 - time.time()))
            self.late_ms.append(time.time() * 1000 - due_ms)
            self.publisher.send(self.messages.part(first, last))
        self.publisher.finish()


class Poller(threading.Thread):
    """When a new bar of any watched symbol could first be read, milliseconds after its end, by view."""

    def __init__(self, symbols: list[str], lateness_us: int) -> None:
        super().__init__(daemon=True)
        self.symbols, self.lateness_us, self.seen = symbols, lateness_us, dict[str, list[float]]()
        self.done = threading.Event()

    def run(self) -> None:
        """Poll until done."""
        store, last = open_store(store_url()), {view: np.zeros(len(self.symbols), np.int64) for view in VIEWS}
        while not self.done.wait(0.010):
            found = store.read_many(settings().store.project, [(view, self.symbols) for view in VIEWS])
            now = time.time_ns() // 1000
            for view, raw in zip(VIEWS, found, strict=True):
                at = layout(view).unpack(raw).event_time
                new = at > last[view]
                last[view] = at
                self.seen.setdefault(view, []).extend(((now - at[new] - self.lateness_us) / 1000).tolist())
        store.close()


def busy_s() -> float:
    """Seconds of all cores that were not idle since the start of the machine, feed and servers included."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def watched(symbols: list[str], shards: int) -> list[str]:
    """One symbol of each shard."""
    return list({shard_of(name, shards): name for name in symbols}.values())


def main() -> None:
    """Run it and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--option", action="append", default=[], help="of Flink, KEY=VALUE; may be repeated")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, own_home(Path(name) / "home"):
        folder, load = Path(name), os.getloadavg()[0]
        control.up(auto_ports=True)
        pipeline.empty()
        synth(SYMBOLS, RATE * (options.seconds + WARM_S), 1, folder, interval=INTERVAL, rate=RATE)
        given = dict(text.split("=", 1) for text in options.option)
        job = run_job("jobs.features", ["--interval", INTERVAL], 2, options=given)
        FlinkRest(flink_url()).ready(job)
        lateness_us = parse_duration(settings().bars.lateness)
        feed = Feed(folder / "ticks.parquet")
        symbols = sorted({key.decode() for key in feed.messages.keys})
        poller = Poller(watched(symbols, settings().state.shards), lateness_us)
        feed.start()
        time.sleep(max(0.0, feed.messages.times_ms[0] / 1000 - time.time()) + WARM_S)
        before = FlinkRest(flink_url()).metrics(job, GROUP)
        poller.start()
        busy, began = busy_s(), time.monotonic()
        feed.join()
        cores = (busy_s() - busy) / (time.monotonic() - began)
        time.sleep(5)
        after = FlinkRest(flink_url()).metrics(job, GROUP)
        poller.done.set()
        poller.join()
        sent = np.percentile(feed.late_ms[len(feed.late_ms) // 2 :], [50, 99])
        bars = settings().bars
        print(f"{RATE:,} ticks/s, {SYMBOLS} symbols, lateness {bars.lateness}, blocks of {bars.block}")
        print(f"sent {sent[0]:.1f} ms late, p99 {sent[1]:.1f} ms; load {load:.1f} before; {cores:.2f} cores busy")
        for view in VIEWS:
            show(view, {key: after[key] - before.get(key, 0) for key in after if f"view.{view}." in key})
            seen = np.array(poller.seen[view])
            p50, p99 = np.percentile(seen, [50, 99])
            print(f"  seen by a reader: p50 {p50:.0f} ms, p99 {p99:.0f} ms, {len(seen):,} times")


def show(view: str, values: dict[str, float]) -> None:
    """The histogram's lines, and the bounds within which its median and 99th percentile lie."""
    buckets = {key.split(".le.")[1].split(".")[0]: number for key, number in values.items() if ".le." in key}
    bounds = sorted((le for le in buckets if le != "+Inf"), key=int)
    total = buckets.get("+Inf", 0)
    within = [next((le for le in bounds if buckets[le] >= share * total), "+Inf") for share in (0.5, 0.99)]
    print(f"{view}: {total:,.0f} frames, p50 <= {within[0]} ms, p99 <= {within[1]} ms")
    print("  " + ", ".join(f"<= {le}: {buckets[le]:,.0f}" for le in [*bounds, "+Inf"]))


if __name__ == "__main__":
    main()
