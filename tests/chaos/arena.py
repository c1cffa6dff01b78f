"""What a run happens in: a stack of its own, the features job, the feed, the monitor; and questions to all of them.

In: a Market. Out: processes to hurt, and how they are. Must not know which faults there are.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from schemas.errors import TickloomError
from schemas.registry import register
from schemas.settings import PROJECT, settings, state_dir
from tests.chaos.disk import Disk
from tests.chaos.monitor import Monitor
from tests.chaos.proxy import Proxy
from tests.chaos.trades import Market, name
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.stack import process
from tickloom.stack.components import flink_url
from tickloom.stack.environment import flink_folder

INTERVAL = "1s"
PATIENCE_S, POLL_S = 150.0, 0.1
SETTINGS = {
    "TICKLOOM_BARS__INTERVAL": INTERVAL,
    "TICKLOOM_STATE__HORIZON_BARS": "120",
    "TICKLOOM_STATE__ANCHOR_BARS": "30",
    "TICKLOOM_CROSS_ASSET__WINDOWS": "[20]",
    "TICKLOOM_CROSS_ASSET__CLUSTER_CUT": "0",
    "TICKLOOM_CROSS_ASSET__MATRIX": "false",
}
"""Of a run: small windows, so that a change of the past does not restate minutes."""
PARTITIONS = 2
FAKETIME = [*Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
WRAPPER = """#!/bin/sh
if [ -f {skew} ]; then
    LD_PRELOAD={library} DONT_FAKE_MONOTONIC=1 FAKETIME="$(cat {skew})" exec {plain} "$@"
fi
if [ -f {memory} ]; then
    ulimit -v "$(cat {memory})"
    exec {plain} "$@"
fi
exec {ours} "$@"
"""


class Stuck(AssertionError):
    """Something that must come did not come in time."""


class Arena:
    """A running job under a live feed.

    redis, registry: proxies through which the job alone sees them; store_url: the store itself; disk: of checkpoints.
    """

    def __init__(
        self, market: Market, parallelism: int, redis: Proxy, registry: Proxy, store_url: str, disk: Disk | None
    ) -> None:
        self.market, self.parallelism = market, parallelism
        self.redis, self.registry, self.store_url, self.disk = redis, registry, store_url, disk
        self.skew, self.memory = state_dir() / "skew", state_dir() / "memory"
        self.place = process.Place(state_dir())
        self.random = random.Random(market.seed)
        self.rest = FlinkRest(flink_url())
        self.partitions = PARTITIONS
        self.kept: list[str] = []

    def start(self) -> None:
        """Job, monitor, feed."""
        ids = register(settings().registry.url)
        self.schema_id, self.action_id = ids["market.price.v1"], ids["market.corporate_action.v1"]
        options = {"python.executable": str(self._python())}
        words = ["--interval", INTERVAL]
        self.job = run_job("jobs.features", words, self.parallelism, options=options, tell=self.note)
        self.rest.ready(self.job, 2 * PATIENCE_S)
        entities = [name(i) for i in range(self.market.symbols)]
        views = (f"indicators_{INTERVAL}", f"cross_asset_{INTERVAL}")
        self.monitor = Monitor(settings().kafka.bootstrap, self.store_url, settings().store.project, views, entities)
        self.monitor.start()
        self._feed()

    def _python(self) -> Path:
        """What starts workers: Python; under a wrong clock, or short of memory, while a file says how much."""
        made = state_dir() / "python"
        names = {"skew": self.skew, "memory": self.memory, "plain": sys.executable}
        names["ours"] = flink_folder("conf") / "python"
        made.write_text(WRAPPER.format(library=next(iter(FAKETIME), ""), **names))
        made.chmod(0o755)
        return made

    def _feed(self) -> None:
        self.report = state_dir() / "feed.json"
        self.market.save(state_dir() / "market.json")
        arguments = [str(state_dir() / "market.json"), str(self.report), str(self.schema_id), str(self.action_id),
                     settings().kafka.bootstrap, str(self.partitions)]  # fmt: skip
        self.feed = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.feed", *arguments], cwd=PROJECT, stdin=subprocess.PIPE, text=True
        )
        self.begun = time.time()

    def tell_feed(self, **command: float | str) -> None:
        """A command for the feed."""
        assert self.feed.stdin
        self.feed.stdin.write(json.dumps(command) + "\n")
        self.feed.stdin.flush()

    def note(self, line: str) -> None:
        """What happened, with the time; the last of it is told when a run fails."""
        self.kept.append(f"{time.strftime('%H:%M:%S')} {line}")
        print(self.kept[-1], flush=True)

    def now_us(self) -> int:
        """Event time that the feed has come to, about."""
        return self.market.start_us + int((time.time() - self.begun) * 1e6)

    def fed(self) -> bool:
        """Whether the feed has sent all, and its brokers have it."""
        return self.feed.poll() is not None

    def leader(self, component: str) -> psutil.Process:
        """The leading process of a component."""
        self.until(lambda: process.leader(self.place, component) is not None, f"{component} runs")
        found = process.leader(self.place, component)
        assert found
        return found

    def workers(self) -> list[psutil.Process]:
        """The Python workers of all TaskManagers."""
        names = [name for name in self.place.names() if name.startswith("taskmanager")]
        found = []
        for each in process.family(self.place, names):
            try:
                words = " ".join(each.cmdline())
                if "beam_boot" in words and "worker.py" not in words and each.name().startswith("python"):
                    found.append(each)
            except psutil.Error:
                continue
        return found

    def busy_taskmanager(self) -> str:
        """A TaskManager on which tasks of the job run."""
        hosts = [name for name in self.place.names() if name.startswith("taskmanager")]
        with_workers = [
            name
            for name in hosts
            if any("beam_boot" in " ".join(_words(each)) for each in process.family(self.place, [name]))
        ]
        return self.random.choice(with_workers or hosts)  # fmt: skip

    def failures(self) -> list[int]:
        """When the job failed, milliseconds since 1970, newest first; empty if nobody answers."""
        try:
            found = self.rest._call(f"/jobs/{self.job}/exceptions")["exceptionHistory"]["entries"]
            return [int(entry["timestamp"]) for entry in found]
        except (TickloomError, KeyError):
            return []

    def failed_since(self, at: float) -> bool:
        """Whether the job has failed since (seconds since 1970)."""
        return any(each >= at * 1000 - 50 for each in self.failures())

    def checkpoints(self, what: str = "completed") -> int:
        """So many are completed, failed, in_progress; -1 if nobody answers."""
        try:
            return int(self.rest._call(f"/jobs/{self.job}/checkpoints")["counts"][what])
        except (TickloomError, KeyError):
            return -1

    def until(self, true: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> float:
        """Seconds until it is true; Stuck if that is too long."""
        begun = time.time()
        while not _holds(true):
            if time.time() > begun + patience_s:
                raise Stuck(f"not within {patience_s:.0f} s: {what}")
            time.sleep(POLL_S)
        return time.time() - begun

    def recover(self, since: float) -> float:
        """Seconds from `since` to the first committed bar of a time that was not over then."""
        event_time = self.market.start_us + int((since - self.begun) * 1e6)
        self.until(lambda: self.monitor.committed_after(event_time) is not None, "new committed output")
        return (self.monitor.committed_after(event_time) or since) - since

    def settle(self) -> None:
        """Wait until the output is not far behind the feed."""
        self.until(lambda: (bool(self.monitor.newest) and self.monitor.newest[-1][1] > self.now_us() - 6_000_000)
                   or self.fed(), "output that keeps up", 2 * PATIENCE_S)  # fmt: skip

    def end(self) -> dict[str, Any]:
        """Wait for the feed, and for the job to have done all, amendments, too; stop it. What the feed reports."""
        self.tell_feed(do="end")
        self.until(self.fed, "the end of the feed", 600)
        report = json.loads(self.report.read_text())
        assert not report["failed"], report["failed"]
        assert report["acknowledged"] == sum(report["sent"].values()), report
        self.market = replace(self.market, seconds=report["seconds"])
        self.until(lambda: self.monitor.newest[-1][1] >= self.market.end_us, "the last bar", 2 * PATIENCE_S)
        self.rest.stop(self.job, drain=True, timeout_s=2 * PATIENCE_S)
        return dict(report)

    def kill(self) -> None:
        """Stop what a run has started beside the stack."""
        if hasattr(self, "monitor"):
            self.monitor.stop()
        if hasattr(self, "feed"):
            self.feed.kill()
            self.feed.communicate()  # which closes its pipe


def _words(of: psutil.Process) -> list[str]:
    try:
        return list(of.cmdline())
    except psutil.Error:
        return []


def _holds(true: Callable[[], bool]) -> bool:
    try:
        return true()
    except (TickloomError, psutil.Error, OSError):
        return False


@contextmanager
def stopped(target: psutil.Process) -> Iterator[None]:
    """A process that stands still."""
    os.kill(target.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(target.pid, signal.SIGCONT)
