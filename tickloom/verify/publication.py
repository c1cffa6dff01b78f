"""The tape on its way into Kafka while the job reads, in step with it.

In: a Tape. Out: its records in order of arrival. Actions wait until the job has read the prices before them, or a job
that is behind would hear of them in time; and part of the tape is left for the job that goes on from a savepoint, since
only a record that comes moves time.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from jobs.runtime import committed
from jobs.runtime.access import own
from schemas.errors import StackError
from schemas.settings import settings
from tickloom.replay import Order, Replay, to_kafka
from tickloom.tape.messages import ACTION, PRICE
from tickloom.verify.tape import Tape

READERS = {PRICE: own("features", "price"), ACTION: own("features", "corporate_action")}
"""Consumer groups of the features job."""
HELD = 0.6
"""Share of the records that is published before the job is moved, at most."""
STEP_BARS = 0.5
"""An action that is known so soon after one that has waited does not wait."""
POLL_S = 0.2


def read(topic: str = PRICE) -> int:
    """How many records of a topic are in the job's last checkpoint."""
    return committed.consumed(topic, READERS[topic])


class Publication:
    """Publishes in a thread inside the context. held: it waits to be released; published: records of prices."""

    def __init__(self, tape: Tape, interval: str, *, hold: bool) -> None:
        self._replay = Replay(tape.prices, Path(tape.path("actions.parquet")), interval, Order.ARRIVAL)
        self._most, self._step, self._seen = HELD * tape.records, STEP_BARS * tape.bar_records, 0.0
        self._go, self._stop = threading.Event(), threading.Event()
        self.held, self.published = False, 0
        if not hold:
            self._go.set()

    def __enter__(self) -> Self:
        self._pool = ThreadPoolExecutor(1)
        self._done: Future[None] = self._pool.submit(to_kafka, self._replay, settings(), self._gate)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._go.set()
        self._pool.shutdown()

    def release(self) -> None:
        """Go on to the end."""
        self.held = False
        self._go.set()

    def done(self) -> bool:
        """Whether all is published; its error if it failed."""
        if self._done.done():
            self._done.result()
        return self._done.done()

    def _gate(self, topic: str, count: int) -> None:
        if topic == ACTION and self.published >= self._seen + self._step:
            while read() < self.published and not self._stop.wait(POLL_S):
                pass
            self._seen = self.published
        elif topic == PRICE:
            self.held = self.published + count > self._most and not self._go.is_set()
            self._go.wait() if self.held else None
            self.published += count
        if self._stop.is_set():
            raise StackError("the publication was given up")
