"""`make bench`: ticks a second through the whole features job, beside Quix Streams on the same topic, in one run.

    python -m tests.bench [--ticks N] [--peer-ticks N]

A stack of its own; 500 symbols, 20,000 ticks a second of event time, bars of 1 s. The tape is in Kafka before the job
starts. Our rate is the slope of committed bars between a tenth and nine tenths of the tape: bars, all features, the
cross-section of all pairs, Redis and exactly-once Kafka output included; start-up is stated apart. The second row is
the same with 1 % of the trades cancelled at a time drawn from the next 256 bars, each of which rewinds state. The peer
makes bars and sma_20, at least once.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from confluent_kafka import TopicPartition
from rich.console import Console
from rich.table import Table

from jobs.runtime import committed
from schemas.settings import settings
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.replay import Order, Target, replay
from tickloom.stack import control
from tickloom.stack.components import flink_url
from tickloom.synth import synth

SYMBOLS, RATE, INTERVAL = 500, 20_000, "1s"
POLL_S, PATIENCE_S = 0.25, 600


def main() -> None:
    """Publish the tape, run both on it, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=int, default=6_000_000, help="through our job")
    parser.add_argument("--peer-ticks", type=int, default=400_000, help="through the peer")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, own_home(Path(folder) / "home"):
        control.up(auto_ports=True)
        load = os.getloadavg()[0]
        ours = []
        for name, cancels in (
            ("1 % cancelled up to 256 bars later", 0.01),
            ("Tickloom features job, parallelism 2", 0.0),
        ):
            pipeline.empty()
            tape = Path(folder) / str(cancels)
            synth(SYMBOLS, options.ticks, 1, tape, cancels=cancels, interval=INTERVAL, rate=RATE, delay="256s")
            replay([tape / "ticks.parquet"], Target.KAFKA, None, INTERVAL, Order.ARRIVAL)
            ours.append(features_job(name, options.ticks))
        theirs = quix(options.peer_ticks)
    show([*reversed(ours), theirs], load)


def features_job(name: str, ticks: int) -> dict[str, Any]:
    """Our job over the tape, parallelism 2."""
    submitted = time.monotonic()
    job = run_job("jobs.features", ["--interval", INTERVAL], 2)
    FlinkRest(flink_url()).ready(job)
    started = time.monotonic()
    times, done, ends = [0.0], [0], set[int]()
    with committed.consumer() as consumer:
        consumer.assign([TopicPartition("feature.frame.v1", partition, 0) for partition in range(2)])
        while done[-1] < ticks // RATE and times[-1] < PATIENCE_S:
            messages = [message for message in consumer.consume(100_000, POLL_S) if not message.error()]
            ends |= {message.timestamp()[1] for message in messages if message.key() == b"cross_asset/0"}
            times.append(time.monotonic() - started)
            done.append(len(ends))
    seconds = time.monotonic() - started
    summary = FlinkRest(flink_url()).checkpoint_summary(job)
    FlinkRest(flink_url()).cancel(job)
    took, size_mb = summary["end_to_end_duration"], summary["state_size"]["max"] / 1e6
    return {
        "name": name,
        "guarantee": "exactly once",
        "ticks": ticks,
        "seconds": round(seconds, 1),
        "ticks_per_s": round(slope(np.array(times), np.array(done) * RATE, ticks)),
        "note": f"checkpoint p50 {took['p50']:.0f} ms, p99 {took['p99']:.0f} ms, {size_mb:,.0f} MB; "
        f"submitted in {started - submitted:.1f} s",
    }


def slope(times: np.ndarray, done: np.ndarray, ticks: int) -> float:
    """Ticks a second between a tenth and nine tenths of the tape."""
    low, high = (int(np.argmax(done >= share * ticks)) for share in (0.1, 0.9))
    return float((done[high] - done[low]) / (times[high] - times[low]))


def quix(ticks: int) -> dict[str, Any]:
    """The peer over the first ticks of the same topic, a process of its own."""
    address = ["--bootstrap", settings().kafka.bootstrap, "--registry", settings().registry.url]
    command = [sys.executable, "-m", "tests.bench.bench_quix", *address, "--topic", "market.price.v1"]
    done = subprocess.run([*command, "--ticks", str(ticks)], stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(rows: list[dict[str, Any]], load: float) -> None:
    """The table: a row each, and the ratio to the last."""
    cpus = f"{os.cpu_count()} cores, load {load:.1f} before, Python {platform.python_version()}"
    table = Table("", "ticks/s", "ratio", "ticks", "seconds", "guarantee", "note", title=f"{SYMBOLS} symbols; {cpus}")
    for row in rows:
        ratio = row["ticks_per_s"] / rows[-1]["ticks_per_s"]
        cells = [f"{row['ticks_per_s']:,}", f"{ratio:.1f}", f"{row['ticks']:,}", str(row["seconds"]), row["guarantee"]]
        table.add_row(row["name"], *cells, row.get("note", "bars and sma_20 only"))
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
