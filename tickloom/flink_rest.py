"""Ask a Flink cluster about its jobs, and stop them: a little client of its REST interface.

In: the cluster's address and a job's id. Out: states, counts, first lines of failures; StackError when it refuses.
Must not know: our jobs, the stack that runs them.
"""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from schemas.errors import StackError

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED"})
TIMEOUT_S = 10.0
POLL_S = 0.1
MOST_NAMES = 20
"""Of metrics in one request, whose first line may have 4,096 characters."""


@dataclass(frozen=True)
class FlinkRest:
    """The cluster at `url` (http://host:port). Every method raises StackError when it does not answer."""

    url: str

    def jobs(self) -> dict[str, str]:
        """Id and state (RUNNING, FINISHED, …) of every job that the cluster remembers."""
        return {job["id"]: job["status"] for job in self._call("/jobs")["jobs"]}

    def state(self, job: str) -> str:
        """The job's state."""
        return str(self._call(f"/jobs/{job}")["state"])

    def name(self, job: str) -> str:
        """The job's name."""
        return str(self._call(f"/jobs/{job}")["name"])

    def vertices(self, job: str) -> list[dict[str, Any]]:
        """The job's operators chained into tasks: id, name, parallelism, status, metrics."""
        return list(self._call(f"/jobs/{job}")["vertices"])

    def restarts(self, job: str) -> int:
        """How often the job was restarted since it was submitted."""
        metrics = self._call(f"/jobs/{job}/metrics?get=numRestarts")
        return int(metrics[0]["value"]) if metrics else 0

    def exceptions(self, job: str) -> list[str]:
        """First line of each failure that the cluster remembers of the job, newest first."""
        return [stack.partition("\n")[0] for stack in self.stacks(job)]

    def stacks(self, job: str) -> list[str]:
        """The whole stack of each failure, newest first."""
        entries = self._call(f"/jobs/{job}/exceptions")["exceptionHistory"]["entries"]
        return [str(entry["stacktrace"]) for entry in entries]

    def counters(self, job: str, vertex: str, names: list[str]) -> dict[str, float]:
        """Sum over subtasks of these metrics of a task; those that it does not have are absent."""
        found: dict[str, float] = {}
        for i in range(0, len(names), MOST_NAMES):
            wanted = ",".join(map(urllib.parse.quote, names[i : i + MOST_NAMES]))
            answer = self._call(f"/jobs/{job}/vertices/{vertex}/subtasks/metrics?get={wanted}&agg=sum")
            found |= {metric["id"]: metric["sum"] for metric in answer}
        return found

    def metrics(self, job: str, group: str) -> dict[str, float]:
        """Sums over all tasks and subtasks of the metrics whose name holds `group`, by the name behind it."""
        found: dict[str, float] = {}
        for vertex in self.vertices(job):
            names = [m["id"] for m in self._call(f"/jobs/{job}/vertices/{vertex['id']}/subtasks/metrics")]
            wanted = [name for name in names if group in name]
            for name, value in (self.counters(job, vertex["id"], wanted) if wanted else {}).items():
                found[name.partition(group)[2]] = found.get(name.partition(group)[2], 0) + value
        return found

    def checkpoints(self, job: str) -> int:
        """Number of completed checkpoints."""
        return int(self._call(f"/jobs/{job}/checkpoints")["counts"]["completed"])

    def newest_checkpoint(self, job: str) -> str:
        """Path of the newest checkpoint that the job completed itself, "" if none: where it can go on without loss."""
        newest = self._call(f"/jobs/{job}/checkpoints")["latest"]["completed"]
        return str(newest["external_path"]) if newest else ""

    def execution(self, job: str) -> dict[str, Any]:
        """How the job was submitted: its parallelism as `job-parallelism`, and `user-config`, what it says itself."""
        return dict(self._call(f"/jobs/{job}/config")["execution-config"])

    def checkpoint_summary(self, job: str) -> dict[str, dict[str, float]]:
        """Figure (end_to_end_duration in ms, state_size in bytes, ...) -> min, max, avg, p50, p99 of checkpoints."""
        return dict(self._call(f"/jobs/{job}/checkpoints")["summary"])

    def cancel(self, job: str) -> None:
        """Stop the job as it is, without a savepoint."""
        self._call(f"/jobs/{job}", "PATCH")
        self.wait(job, ENDED)

    def stop(self, job: str, *, drain: bool = False, timeout_s: float = 120) -> str:
        """Stop the job with a savepoint and return the savepoint's path; `drain` first closes every window."""
        request = self._call(f"/jobs/{job}/stop", "POST", {"drain": drain})["request-id"]
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            answer = self._call(f"/jobs/{job}/savepoints/{request}")
            if answer["status"]["id"] == "COMPLETED":
                return self._location(job, answer["operation"])
            time.sleep(POLL_S)
        raise StackError(
            f"no savepoint after {timeout_s:.0f} s", where=f"job {job}", hint="tickloom stack logs jobmanager"
        )

    def wait(self, job: str, states: frozenset[str] = frozenset({"RUNNING"}), timeout_s: float = 120) -> str:
        """Wait until the job is in one of the states and return it; StackError if it ends otherwise or takes longer."""
        deadline = time.monotonic() + timeout_s
        while (state := self.state(job)) not in states:
            if state in ENDED or time.monotonic() > deadline:
                reason = next(iter(self.exceptions(job)), "")
                raise StackError(
                    f"the job is {state}, not {' or '.join(sorted(states))}: {reason}",
                    where=f"{self.url}/#/job/{job}",
                    hint="tickloom stack logs taskmanager",
                )
            time.sleep(POLL_S)
        return state

    def ready(self, job: str, timeout_s: float = 120) -> None:
        """Wait until every task of the job runs (or has finished): from then on it reads its input."""
        deadline = time.monotonic() + timeout_s
        while self.wait(job, frozenset({"RUNNING", "FINISHED"}), timeout_s) == "RUNNING":
            if all(vertex["status"] in {"RUNNING", "FINISHED"} for vertex in self.vertices(job)):
                return
            if time.monotonic() > deadline:
                raise StackError(f"tasks still start after {timeout_s:g} s", where=f"{self.url}/#/job/{job}")
            time.sleep(POLL_S)

    def _location(self, job: str, operation: dict[str, Any]) -> str:
        if "location" not in operation:
            reason = operation["failure-cause"]["stack-trace"].partition("\n")[0]
            raise StackError(f"the savepoint failed: {reason}", where=f"job {job}")
        self.wait(job, ENDED)
        return str(operation["location"])

    def _call(self, path: str, method: str = "GET", body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise StackError(f"Flink refused {method} {path}: {error.read().decode()[:300]}", where=self.url) from error
        except OSError as error:
            raise StackError(f"Flink does not answer: {error}", where=self.url, hint="tickloom stack up") from error
