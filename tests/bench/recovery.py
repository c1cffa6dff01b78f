"""From a signal to the first new committed output: `python -m tests.bench.recovery [--times N] [--profile NAME]`.

`--untuned` is what it was before: workers that start as any Python does, a second before a restart, 9 s for a broker.

A stack of its own: three brokers, two TaskManagers, a supervisor that starts again what dies; the features job with
bars of 1 s of 50 symbols, 3,000 ticks a second of the clock. Each fault is measured to the first record of
feature.frame.v1 that was written after it and can be read by a reader of committed records: one at or behind the
topic's end (transactions that are still open included) when the fault had bitten. A fault that did not bite is an
error: a kill must restart the job, and the job must be running before. `redeploy` is a restart without a failure:
cancel, and start from the newest checkpoint. All of it waits for a bar's end, a checkpoint and its commit.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from confluent_kafka import Consumer, KafkaException, TopicPartition

from jobs.stages.write import FEATURE
from schemas.registry import register
from schemas.settings import settings, state_dir
from tests.e2e import pipeline
from tests.e2e.conftest import own_home
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.stack import control, probe, process, render, supervise
from tickloom.stack.components import flink_url, numbered
from tickloom.tape.messages import PRICE, Framer
from tickloom.tape.publish import Publisher, Topic
from udfs.prints import TICK

SYMBOLS, RATE, STEP_S = 50, 3_000, 0.02
PATIENCE_S = 180.0
FAILING = ("worker", "taskmanager", "hang")
FAULTS = ("redeploy", *FAILING, "broker")
UNTUNED = {
    "python.executable": sys.executable,
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "1s",
}
STARTING = ("CREATED", "SCHEDULED", "DEPLOYING", "INITIALIZING")


class Feed(threading.Thread):
    """Sends ticks of the present moment until told to stop."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        topic = Topic(settings().kafka, PRICE)
        self.publisher, self.done = Publisher(topic, topic.ends(), resumed=False), threading.Event()
        self.framer = Framer(register(settings().registry.url)[PRICE], topic.partitions)
        self.random, self.count = np.random.default_rng(1), 0

    def run(self) -> None:
        """One step after another; what the clock skipped is sent later."""
        now = time.time()
        while not self.done.wait(max(0.0, now + STEP_S - time.time())):
            self.publisher.send(self.framer.ticks(self.step(now)))
            now += STEP_S

    def step(self, now: float) -> pa.Table:
        """The ticks of one step."""
        n = int(RATE * STEP_S)
        codes = self.random.integers(0, SYMBOLS, n).astype("i4")
        names = pa.array([f"S{i:03d}" for i in range(SYMBOLS)])
        ids = np.arange(self.count, self.count + n)
        self.count += n
        columns = {
            "symbol": pa.DictionaryArray.from_arrays(pa.array(codes), names),
            "event_time": pa.array(int(now * 1e6) + np.sort(self.random.integers(0, int(STEP_S * 1e6), n))),
            "price": pa.array(100 + codes + self.random.normal(0, 0.01, n)),
            "size": pa.array(np.full(n, 100.0)),
            "sequence": pa.array(ids),
            "trade_id": pa.array(ids.astype(str)),
            "kind": pa.array(np.zeros(n, "i1")),
            "venue": pa.nulls(n, pa.string()),
            "conditions": pa.nulls(n, pa.string()),
        }
        return pa.table(columns, TICK)


class Reader(threading.Thread):
    """The committed features as they become readable: when, partition and offset of the newest."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.newest: dict[int, tuple[int, float]] = {}
        self.done = threading.Event()

    def run(self) -> None:
        """Read until told to stop."""
        quick = {
            "reconnect.backoff.max.ms": 200,
            "fetch.wait.max.ms": 50,
            "topic.metadata.refresh.fast.interval.ms": 50,
        }
        address = {"bootstrap.servers": settings().kafka.bootstrap, "group.id": "recovery", "log_level": 0}
        reader = Consumer({**address, **quick, "enable.auto.commit": False, "isolation.level": "read_committed"})
        reader.assign([TopicPartition(FEATURE, number, 0) for number in (0, 1)])
        while not self.done.is_set():
            for message in reader.consume(1000, 0.02):
                if not message.error():
                    self.newest[message.partition()] = message.offset(), time.time()
        reader.close()

    def first_after(self, ends: list[int]) -> float:
        """When the first record at or behind these ends could be read; TimeoutError if none comes."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            seen = [at for part, (offset, at) in list(self.newest.items()) if offset >= ends[part]]
            if seen:
                return min(seen)
            time.sleep(0.005)
        raise TimeoutError(f"no new output within {PATIENCE_S:.0f} s")


class Bench:
    """A running job, and the faults."""

    def __init__(self, parallelism: int, options: dict[str, str], hang_s: float) -> None:
        self.hang_s = hang_s
        self.place, self.cluster = process.Place(state_dir()), FlinkRest(flink_url())
        self.run = partial(run_job, "jobs.features", ["--interval", "1s"], parallelism, options=options, tell=str)
        self.job = self.run()
        self.topic, self.turn = Topic(settings().kafka, FEATURE), 0
        self.reader = Reader()
        self.reader.start()

    def settle(self) -> None:
        """Wait until all servers are up and the job writes, checkpoint after checkpoint."""
        pipeline.eventually(lambda: all(row.state == "up" for row in control.status()))
        self.cluster.ready(self.job, PATIENCE_S)
        for _ in range(3):
            self.reader.first_after(self.ends())
        time.sleep(np.random.default_rng().uniform(0, 1))  # the fault meets every phase of a checkpoint

    def ends(self) -> list[int]:
        """The ends of the features' topic, whoever leads its partitions just now."""
        while True:
            try:
                return self.topic.ends()
            except KafkaException:
                time.sleep(0.05)

    def busy(self) -> str:
        """The TaskManager that runs the job's tasks."""
        return next(name for name in self.place.names() if name.startswith("taskmanager") and self.workers(name))

    def workers(self, name: str) -> list[psutil.Process]:
        """Python workers of a TaskManager."""
        family = [each for each in process.family(self.place, [name]) if each.name().startswith("python")]
        return [each for each in family if "pyflink.fn_execution.beam.beam_boot" in each.cmdline()[:4]]

    def measure(self, fault: str) -> dict[str, float]:
        """Seconds from the fault to the first new output, and for one that fails the job to what came before it."""
        self.settle()
        failed, ends = self.failed_ms(), self.ends()
        began, after = getattr(self, fault)()
        if fault in FAILING:
            await_true(lambda: self.failed_ms() != failed)
        if fault != "broker":
            ends = self.ends()  # what was on its way when it failed was not written after it
        found = {"output": self.reader.first_after(ends) - began}
        after()
        if fault not in FAILING:
            return found
        return {"noticed": self.failed_ms() / 1000 - began} | self.phases(began) | found

    def failed_ms(self) -> int:
        """When the job failed last, milliseconds since 1970."""
        entries = self.ask(f"/jobs/{self.job}/exceptions")["exceptionHistory"]["entries"]
        return int(entries[0]["timestamp"]) if entries else 0

    def phases(self, began: float) -> dict[str, float]:
        """When the last task was deployed, and when the last one had its state and its Python and ran."""
        tasks = self.ask(f"/jobs/{self.job}")["vertices"]
        every = [each for task in tasks for each in self.ask(f"/jobs/{self.job}/vertices/{task['id']}")["subtasks"]]
        ran = [each["start-time"] + sum(each["status-duration"][state] for state in STARTING) for each in every]
        return {"deployed": max(each["start-time"] for each in every) / 1000 - began, "ran": max(ran) / 1000 - began}

    def ask(self, path: str) -> Any:
        """What Flink answers."""
        return probe.fetch(self.cluster.url + path, 10)

    def redeploy(self) -> tuple[float, Callable[[], None]]:
        """No fault: stop the job, and start it from its newest checkpoint."""
        newest = self.ask(f"/jobs/{self.job}/checkpoints")["latest"]["completed"]["external_path"]
        began = time.time()
        self.cluster.cancel(self.job)
        self.job = self.run(savepoint=newest)
        return began, lambda: None

    def worker(self) -> tuple[float, Callable[[], None]]:
        """Kill a Python worker."""
        return kill(self.workers(self.busy())[0]), lambda: None

    def taskmanager(self) -> tuple[float, Callable[[], None]]:
        """Kill the TaskManager that works; the other has free slots."""
        return kill(self.leader(self.busy())), lambda: None

    def hang(self) -> tuple[float, Callable[[], None]]:
        """Stop the TaskManager that works, and its workers, for longer than the heartbeat's timeout."""
        family = process.family(self.place, [self.busy()])
        began = time.time()
        for each in family:
            each.send_signal(signal.SIGSTOP)

        def wake() -> None:
            time.sleep(max(0.0, began + self.hang_s - time.time()))
            for each in family:
                if each.is_running():
                    each.send_signal(signal.SIGCONT)

        return began, wake

    def broker(self) -> tuple[float, Callable[[], None]]:
        """Kill one broker of three, each in its turn."""
        self.turn += 1
        return kill(self.leader(numbered("kafka", self.turn % 3))), lambda: None

    def leader(self, name: str) -> psutil.Process:
        """The component's process."""
        found = process.leader(self.place, name)
        assert found, name
        return found


def await_true(true: Callable[[], bool]) -> None:
    """Look many times a second."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the fault did not bite within {PATIENCE_S:.0f} s")
        time.sleep(0.02)


def kill(found: psutil.Process) -> float:
    """When it was killed."""
    began = time.time()
    os.kill(found.pid, signal.SIGKILL)
    return began


def main() -> None:
    """Run it, print each and the quantiles."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=FAULTS)
    parser.add_argument("--profile", default="")
    parser.add_argument("--parallelism", type=int, default=1)
    parser.add_argument("--hang", type=float, default=30.0, help="seconds, longer than the profile's heartbeat timeout")
    parser.add_argument("--untuned", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the stack is stopped on the way out
    if options.untuned:
        render.BROKER_SILENCE_MS = 9_000
    with tempfile.TemporaryDirectory() as name, own_home(Path(name)), supervise.supervised(print):
        control.up(auto_ports=True, brokers=3, taskmanagers=2, profile=options.profile, tell=print)
        feed = Feed()
        feed.start()
        bench = Bench(options.parallelism, UNTUNED if options.untuned else {}, options.hang)
        for fault in options.faults:
            show(fault, [measured(bench, fault) for _ in range(options.times)])
        feed.done.set()
        feed.join()


def measured(bench: Bench, fault: str) -> dict[str, float]:
    """One measurement, printed."""
    found = bench.measure(fault)
    seconds = ", ".join(f"{key} {s:.1f}" for key, s in found.items())
    print(f"{fault}: {seconds}; load {os.getloadavg()[0]:.1f}", flush=True)
    return found


def show(fault: str, found: list[dict[str, float]]) -> None:
    """The quantiles of each figure."""
    for key in found[0]:
        p50, p99 = np.percentile([each[key] for each in found], [50, 99])
        print(f"{fault} {key}: p50 {p50:.1f} s, p99 {p99:.1f} s of {len(found)}", flush=True)


if __name__ == "__main__":
    main()
