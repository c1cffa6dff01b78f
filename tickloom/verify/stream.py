"""The way through Kafka and Flink: the records as they arrived, the job moved to another parallelism on the way.

In: a Tape, a running stack with empty topics. Out: the features that the job committed, as one table, and how long they
took. Every native command is told. This file must not know what the features should be.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from feature_repo.views import apart
from jobs.runtime import committed
from schemas.errors import StackError
from tickloom import flink
from tickloom.flink_rest import FlinkRest
from tickloom.stack.components import flink_url
from tickloom.verify.private import Tell
from tickloom.verify.publication import READERS, Publication, read
from tickloom.verify.tape import Tape
from udfs.batch import FEATURES
from udfs.frame import Frame
from udfs.table import drained, parts, table

FEATURE = "feature.frame.v1"
MOVED = 0.4
"""Share of the records after which the job is moved."""
MOST_RESTARTS = 3
CHECKPOINTS = "30min"
"""A savepoint comes behind all that the job has read and not yet done."""
DROPPED = "numLateRecordsDropped"
PATIENCE_S, POLL_S = 300.0, 0.5


@dataclass
class Stream:
    """The features job at work on a tape; told is where commands and steps go."""

    tape: Tape
    interval: str
    tell: Tell
    job: str = ""

    def run(self, parallelism: int, then: int | None) -> float:
        """Publish the tape while the job runs, first at one parallelism, from about the middle on at another.

        Seconds from the first record until the job has done all of its work. StackError with the cause when the job
        or the publication fails, or nothing moves for long.
        """
        self._start(parallelism)
        begun = time.monotonic()
        with Publication(self.tape, self.interval, hold=then is not None) as publication:
            if then is not None:
                self._until(lambda: publication.done() or self._half_way(publication), read)
                self._move(then)
                publication.release()
            self._until(publication.done, read)
        self._until(lambda: all(read(topic) >= committed.length(topic) for topic in READERS), read)
        if dropped := FlinkRest(flink_url()).metrics(self.job, DROPPED).get("", 0):
            self.tell(f"Flink's windows have dropped {dropped:,.0f} records as late since the last start")
        self._stop("--drain")  # amendments wait for their turn, which may be long in coming after the last record
        return time.monotonic() - begun

    def tables(self, interval: str) -> dict[str, pa.Table]:
        """What the job has committed of an interval, the newest revision of every row, as `features compute` has it."""
        by_time: defaultdict[int, list[Frame]] = defaultdict(list)
        others: dict[str, list[Frame]] = {view: [] for view in apart()}
        for record in committed.records(FEATURE):
            if record["interval"] == interval:
                frame = committed.frame(record)
                (others[frame.view] if frame.view in others else by_time[frame.event_time]).append(frame)
        # one bar time after the other: all revisions of all rows would not fit into one table
        symbols = [table(by_time.pop(end)) for end in sorted(by_time)]
        found = {FEATURES: pa.concat_tables(symbols, promote_options="default")}
        return found | {view: pa.concat_tables(parts(drained(frames), view)) for view, frames in others.items()}

    def _start(self, parallelism: int, savepoint: str = "") -> None:
        args, options = ["--interval", self.interval], {"execution.checkpointing.timeout": CHECKPOINTS}
        self.job = flink.run_job(
            "jobs.features", args, parallelism, savepoint=savepoint, options=options, tell=self.tell
        )
        FlinkRest(flink_url()).ready(self.job)

    def _move(self, parallelism: int) -> None:
        """Stop with a savepoint, go on from it at another parallelism."""
        begun, share = time.monotonic(), f"{read():,} of {self.tape.records:,}"
        self._start(parallelism, self._stop())
        self.tell(f"moved to parallelism {parallelism} after {share} records, in {time.monotonic() - begun:.1f} s")

    def _stop(self, *options: str) -> str:
        """Stop with a savepoint: its path. With --drain all that waits for its time is done first."""
        try:
            return flink.stop_job(self.job, *options, tell=self.tell)
        finally:
            self._check()

    def _half_way(self, publication: Publication) -> bool:
        """Whether the job has read enough of the tape to be moved; never all, so that it has to go on."""
        return read() >= (publication.published if publication.held else MOVED * self.tape.records)

    def _until(self, true: Callable[[], bool], progress: Callable[[], int]) -> None:
        """Wait until it is true; StackError when the job fails, or progress stands still for long."""
        at, deadline = -1, 0.0
        while not true():
            self._check()
            if (now := progress()) != at:
                at, deadline = now, time.monotonic() + PATIENCE_S
            if time.monotonic() > deadline:
                what = f"nothing has moved for {PATIENCE_S:.0f} s, at {at:,}"
                raise StackError(what, where=f"{flink_url()}/#/job/{self.job}", hint="tickloom stack logs taskmanager")
            time.sleep(POLL_S)

    def _check(self) -> None:
        """StackError with the cause if the job has failed, or fails again and again."""
        cluster = FlinkRest(flink_url())
        if cluster.state(self.job) == "FAILED" or cluster.restarts(self.job) >= MOST_RESTARTS:
            raise StackError(f"the job fails: {flink.failure(self.job)}", where="jobs.features")
