"""How long nothing new was committed: the output of a job, watched while the job is exchanged.

In: a topic. Out: when records were committed to it, and of which event time. Must not know: jobs.
"""

import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from jobs.runtime import committed

POLL_S = 0.05
BACK = 3
"""Records before the end that are read too, so that there is a last one where few come."""


@dataclass(frozen=True)
class Seen:
    """A committed record: when it was seen, seconds since 1970, and its event time in milliseconds; -1: before."""

    at: float
    event_time_ms: int

    def __str__(self) -> str:
        return f"{_clock(self.at)} (bar {_clock(self.event_time_ms / 1000)})"


class Watch:
    """Reads the committed records of a topic, from its present end on, in a thread inside the context."""

    def __init__(self, topic: str) -> None:
        self.topic, self.seen = topic, list[Seen]()
        self._stop, self._ready = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(committed.PATIENCE_S)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def after(self, moment: float) -> Seen | None:
        """The first record that was committed after a moment."""
        return next((seen for seen in list(self.seen) if seen.at > moment), None)

    def told(self, moment: float) -> tuple[str, float]:
        """The gap around a moment in words, and its seconds; -1 where nothing was committed after it."""
        before = next((seen for seen in reversed(self.seen) if seen.at <= moment), None)
        after = self.after(moment)
        if before is None or after is None:
            return f"{self.topic}: nothing was committed {'before' if before is None else 'since'}", -1.0
        gap = after.at - before.at
        return f"{self.topic}: last before {before}, first after {after}: a gap of {gap:.1f} s", gap

    def _read(self) -> None:
        from confluent_kafka import TopicPartition

        with committed.consumer() as reader:
            ends = {TopicPartition(self.topic, number): 0 for number in _partitions(reader, self.topic)}
            for place in ends:
                place.offset = max(0, reader.get_watermark_offsets(place, committed.PATIENCE_S)[1] - BACK)
            reader.assign(list(ends))
            begun = time.time()
            self._ready.set()
            while not self._stop.is_set():
                for message in reader.consume(100, POLL_S):
                    if not message.error():
                        self.seen.append(Seen(time.time(), message.timestamp()[1]))
            self.seen = [seen for seen in self.seen if seen.at >= begun]


def _partitions(reader: Any, topic: str) -> list[int]:
    return list(reader.list_topics(topic, committed.PATIENCE_S).topics[topic].partitions)


def _clock(seconds: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds * 10) % 10}"
