"""`tickloom upgrade`: stop a job with a savepoint, and go on from it with other code, parallelism, features, arguments.

In: a running job, the present checkout and settings. Out: the job runs again, and the gap of its output is told; if it
does not come to run, the version before does, from where the newer one was. Output stays exactly once: a version goes
on from the savepoint or checkpoint that was committed last, never from one behind which something was committed. Must
not know: what is kept (docs/adr/0015-state-outlives-the-code.md).
"""

import shlex
import time
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer
from rich.console import Console

from schemas.errors import StackError, StateError
from schemas.settings import UNITS, parse_duration, settings
from tickloom.flink_rest import ENDED, FlinkRest
from tickloom.upgrade_gap import Watch
from tickloom.upgrade_journal import Journal, Version, present, running

console = Console(highlight=False, soft_wrap=True)
QUIET_S = 15.0
"""After its first checkpoint, where no output comes: there may be none to come."""
FAILURES = 2
"""So often a job that comes to run does not fail."""
POLL_S = 0.2


class Kind(NamedTuple):
    """One of our jobs: its name, its module, the topic by which its output is watched."""

    name: str
    module: str
    topic: str


KINDS = {
    "features": Kind("tickloom.features", "jobs.features", "feature.frame.v1"),
    "scoring": Kind("tickloom.scoring", "jobs.scoring", "scoring.score.v1"),
}


def upgrade(
    job: Annotated[str, typer.Argument(help="features or scoring.")] = "features",
    parallelism: Annotated[int, typer.Option(min=0, help="Of the job; 0: as it is.")] = 0,
    arguments: Annotated[str | None, typer.Option(help="Of the entry, in place of those that it runs with.")] = None,
    rollback: Annotated[bool, typer.Option(help="To the version before the last upgrade.")] = False,
) -> None:
    """Stop a job with a savepoint and go on from it: new code, parallelism, features; back again if it does not run."""
    if job not in KINDS:
        raise StackError(f"there is no job {job!r}", hint=" or ".join(KINDS))
    from tickloom.stack.components import flink_url

    change = Change(KINDS[job], FlinkRest(flink_url()), Journal())
    change.back() if rollback else change.forward(parallelism, None if arguments is None else shlex.split(arguments))


@dataclass
class Change:
    """The exchange of a job for another version of it."""

    kind: Kind
    cluster: FlinkRest
    journal: Journal

    def forward(self, parallelism: int, arguments: list[str] | None) -> None:
        """To the code of this checkout and the settings in force. StackError, and as it was, if that does not run."""
        job = self._job()
        was = running(self.cluster, job, arguments)
        now = present(parallelism or was.parallelism, was.arguments if arguments is None else arguments)
        was.check(now)
        if self.kind is KINDS["features"]:
            self._check_factors(job, now)
        self._exchange(job, was, now)

    def back(self) -> None:
        """To the version before, from the state of the newer one; StateError, with what would be lost, if not so."""
        entries = self.journal.entries(self.kind.name)
        jobs = self.cluster.jobs()
        job = next((name for name in reversed([entry["id"] for entry in entries]) if name in jobs), "")
        if not job or (jobs[job] in ENDED and self._job("") != ""):
            raise StackError(f"no upgrade of {self.kind.name} is known that runs", hint="tickloom upgrade")
        entry = next(entry for entry in entries if entry["id"] == job)
        was, now = Version(**entry["version"]), Version(**entry["before"])
        if was == now:
            raise StackError("the last upgrade went back by itself", where=f"job {job}", hint="tickloom upgrade")
        try:
            was.check(now)
        except StateError as error:
            raise self._loss(error, entry["savepoint"], entry["committed"]) from error
        self._exchange(job, was, now)

    def _job(self, otherwise: str | None = None) -> str:
        """The id of the job of this name that has not ended; StackError if there is none, or several."""
        found = [job for job, state in self.cluster.jobs().items()
                 if state not in ENDED and self.cluster.name(job) == self.kind.name]  # fmt: skip
        if len(found) == 1:
            return found[0]
        if otherwise is not None and not found:
            return otherwise
        hint = (
            f"flink run -d -pym {self.kind.module} -pyfs dist/tickloom.zip" if not found else "flink cancel all but one"
        )
        raise StackError(f"{len(found)} jobs {self.kind.name} run", where=self.cluster.url, hint=hint)

    def _check_factors(self, job: str, now: Version) -> None:
        """Their operator comes into being with the job: it knows no announcement that was heard before it was there."""
        from udfs.catalogue import chosen

        runs = any("factors" in vertex["name"] for vertex in self.cluster.vertices(job))
        if runs != bool(chosen(now.computed["features"]["packs"], across=True)):
            what = "the first pack that looks across the universe comes, or the last goes"
            raise StateError(what, where="features.packs", hint="start the job afresh and replay: docs/runbook.md")

    def _exchange(self, job: str, was: Version, now: Version) -> None:
        console.print(f"{self.kind.name}: {was} -> {now}")
        with Watch(self.kind.topic) as watch:
            savepoint = self._stop(job)
            stopped, committed = time.time() + 1, self._committed()  # what the stop commits is seen a moment later
            started = ""
            try:
                started = self._start(now, savepoint)
                self._settle(started, watch, stopped)
            except StackError as error:
                self._return(started, was, now, savepoint, error)
            words, gap = watch.told(stopped)
        more = {"savepoint": savepoint, "committed": committed, "gap_s": round(gap, 1)}
        self.journal.add(self.kind.name, started, now, was, outcome="runs", **more)
        console.print(words)

    def _stop(self, job: str) -> str:
        """The savepoint of a job that runs; of one that fails again and again, or has ended, its newest checkpoint."""
        from tickloom import flink

        state = self.cluster.state(job)
        if state == "RUNNING":
            return flink.stop_job(job, tell=console.print)
        if state not in ENDED:
            self.cluster.cancel(job)
        if not (newest := self.cluster.newest_checkpoint(job)):
            raise StackError(f"the job is {state} and has no checkpoint", where=job, hint="start it afresh")
        console.print(f"the job was {state}: it goes on from its newest checkpoint")
        return newest

    def _start(self, version: Version, origin: str) -> str:
        from tickloom import flink, package

        code = None if package.digest(package.ZIP) == version.code else package.kept(version.code)
        return flink.run_job(
            self.kind.module, version.arguments, version.parallelism, savepoint=origin,
            code=code, variables=version.variables() if code else {}, tell=console.print,
        )  # fmt: skip

    def _settle(self, job: str, watch: Watch | None, since: float) -> None:
        """Wait until the job has a checkpoint and new output, or none comes; StackError with the cause if it fails."""
        from tickloom import flink

        patience = settings().stack.timeout
        deadline, first = time.monotonic() + parse_duration(patience) / UNITS["s"], 0.0
        while True:
            if self.cluster.state(job) in ENDED or self.cluster.restarts(job) >= FAILURES:
                raise StackError(f"it fails: {flink.failure(job)}", where=f"job {job}")
            if self.cluster.checkpoints(job) and not first:
                first = time.monotonic()
            if first and ((watch and watch.after(since)) or time.monotonic() > first + QUIET_S):
                return
            if time.monotonic() > deadline:
                raise StackError(
                    f"no checkpoint within {patience} (stack.timeout): {flink.failure(job)}", where=f"job {job}"
                )
            time.sleep(POLL_S)

    def _return(self, failed: str, was: Version, now: Version, savepoint: str, error: StackError) -> None:
        """The version before, from the newest checkpoint of the one that failed, for its output is committed up to it.

        StackError with the cause in any case.
        """
        from tickloom import package

        origin = savepoint
        if failed:
            if self.cluster.state(failed) not in ENDED:
                self.cluster.cancel(failed)
            origin = self.cluster.newest_checkpoint(failed) or savepoint
        if origin != savepoint and package.layout(was.code) < package.layout(now.code):
            what = f"{error.what}; it had committed output already, and {was.code} cannot read its state"
            raise StackError(what, where=origin, hint="nothing is lost: mend the newer code, flink run -s this path")
        console.print(f"{now} does not run: back to {was}")
        try:
            job = self._start(was, origin)
            self._settle(job, None, 0.0)
        except StackError as second:
            what = f"neither version runs: {error.what}; and the one before: {second.what}"
            raise StackError(what, where=origin, hint="nothing is lost: flink run -s this path") from error
        self.journal.add(self.kind.name, job, was, was, outcome=f"rolled back: {error.what}", savepoint=origin,
                         committed=self._committed())  # fmt: skip
        raise StackError(f"{now} did not run, {was} goes on: {error.what}", where=error.where, hint=error.hint)

    def _committed(self) -> int:
        from jobs.runtime import committed

        return committed.length(self.kind.topic)

    def _loss(self, error: StateError, savepoint: str, then: int) -> StateError:
        since = self._committed() - then
        what = f"{error.what}; from its own savepoint, about {since:,} records committed since would be committed again"
        return StateError(what, where=savepoint, hint="mend the newer code and upgrade again")
