"""`make bench`: ticks a second through the whole features job, beside Quix Streams on the same topic, in one run.

    python -m tests.bench [--ticks N] [--peer-ticks N]

A stack of its own; 500 symbols, 20,000 ticks a second of event time, bars of 1 s. The tape is in Kafka before the job
starts. Our rate is the slope of committed bars between a tenth and nine tenths of the tape: bars, 20 features, the
cross-section of all pairs, Redis and exactly-once Kafka output included; start-up is stated apart. The peer makes bars
and sma_20, at least once.
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

from schemas.settings import settings
from tests.e2e.conftest import own_home
from tickloom import committed
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
        synth(SYMBOLS, options.ticks, 1, Path(folder), interval=INTERVAL, rate=RATE)
        replay([Path(folder) / "ticks.parquet"], Target.KAFKA, None, INTERVAL, Order.ARRIVAL)
        load = os.getloadavg()[0]
        ours = features_job(options.ticks)
        theirs = quix(options.peer_ticks)
    show([ours, theirs], load)


def features_job(ticks: int) -> dict[str, Any]:
    """Our job over the tape, parallelism 2."""
    submitted = time.monotonic()
    job = run_job("jobs.features", ["--interval", INTERVAL], 2)
    FlinkRest(flink_url()).ready(job)
    started = time.monotonic()
    times, done = [0.0], [0]
    with committed.consumer() as consumer:
        consumer.assign([TopicPartition("feature.frame.v1", partition, 0) for partition in range(2)])
        while done[-1] < ticks // RATE and times[-1] < PATIENCE_S:
            keys = [message.key() for message in consumer.consume(100_000, POLL_S) if not message.error()]
            times.append(time.monotonic() - started)
            done.append(done[-1] + keys.count(b"cross_asset/0"))
    seconds = time.monotonic() - started
    FlinkRest(flink_url()).cancel(job)
    return {
        "name": "Tickloom features job, parallelism 2",
        "guarantee": "exactly once",
        "ticks": ticks,
        "seconds": round(seconds, 1),
        "ticks_per_s": round(slope(np.array(times), np.array(done) * RATE, ticks)),
        "note": f"submitted in {started - submitted:.1f} s; {ticks / seconds:,.0f}/s with the workers' start",
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
