"""When a fault strikes: at any time, or at a phase of a checkpoint, which the JobManager's log tells as it writes it.

In: the arena. Out: the moment has come. `proof` says afterwards what became of that checkpoint.
"""

import re
import time
from collections.abc import Callable
from pathlib import Path

from tests.chaos.arena import Arena, Stuck

TRIGGERED = re.compile(r"Triggering checkpoint (\d+)")
COMPLETED = re.compile(r"Completed checkpoint (\d+) .*checkpointDuration=(\d+) ms")
POLL_S, PATIENCE_S = 0.003, 60.0


class Log:
    """The JobManager's log from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, path.stat().st_size

    def wait(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """The next line that matches; Stuck if none comes."""
        deadline = time.monotonic() + PATIENCE_S
        with self._path.open(errors="replace") as file:
            file.seek(self._at)
            while time.monotonic() < deadline:
                line = file.readline()
                if found := pattern.search(line):
                    self._at = file.tell()
                    return found
                if not line:
                    time.sleep(POLL_S)
        raise Stuck(f"no {pattern.pattern} in the JobManager's log")


def at_any_time(arena: Arena) -> str:
    """Drawn within two seconds."""
    time.sleep(arena.random.uniform(0, 2))
    return "at any time"


def before_barrier(arena: Arena) -> str:
    """A checkpoint was triggered just now: its barriers are on their way."""
    number = Log(arena.place.log("jobmanager")).wait(TRIGGERED)[1]
    return f"as checkpoint {number} was triggered"


def before_commit(arena: Arena) -> str:
    """Most tasks have taken their snapshot: three quarters of the time that the last checkpoint took."""
    log = Log(arena.place.log("jobmanager"))
    took_ms = int(log.wait(COMPLETED)[2])
    number = log.wait(TRIGGERED)[1]
    time.sleep(0.75 * took_ms / 1000)
    return f"{0.75 * took_ms:.0f} ms after checkpoint {number} was triggered, the last took {took_ms}"


def during_commit(arena: Arena) -> str:
    """A checkpoint is complete just now: the sink is told to commit."""
    number = Log(arena.place.log("jobmanager")).wait(COMPLETED)[1]
    return f"as checkpoint {number} was complete"


def during_restore(arena: Arena) -> str:
    """The job has failed, by the death of a worker, and its tasks are being made anew."""
    worker = arena.random.choice(arena.workers())
    at = time.time()
    worker.kill()
    arena.until(lambda: arena.failed_since(at), "the job fails")
    arena.until(lambda: arena.rest.state(arena.job) == "RUNNING", "the job is started again")
    time.sleep(arena.random.uniform(0, 3))
    return f"{time.time() - at:.1f} s after a worker was killed, during the restore"


PHASES: dict[str, Callable[[Arena], str]] = {
    "any": at_any_time, "barrier": before_barrier, "snapshot": before_commit, "commit": during_commit,
    "restore": during_restore,
}  # fmt: skip
