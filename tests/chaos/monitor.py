"""Readers that never stop: the committed frames as they appear, and the online store again and again.

In: the arena's addresses. Out: when which bar time was committed; what a reader must never see (an older version after
a newer one, a torn vector, a serial out of turn). Must not know what should have been computed.
"""

import struct
import threading
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import Consumer

from feature_repo.stores import open_store
from schemas.errors import TickloomError

WATCHED = BAR, FEATURE = "market.bar.v1", "feature.frame.v1"
READ_S = 0.1


@dataclass
class Monitor:
    """Threads beside a run; `problems` is empty at the end of a good one."""

    bootstrap: str
    store_url: str
    project: str
    views: tuple[str, ...]
    entities: list[str]
    problems: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    newest: list[tuple[float, int]] = field(default_factory=list)
    """(seconds since 1970, bar end): each committed bar frame that was newer than all before, when it was seen."""
    gaps: list[tuple[float, str, bytes]] = field(default_factory=list)
    """When a serial of a topic and key did not follow the one before."""
    alarms: list[tuple[float, str, bytes]] = field(default_factory=list)
    """When the job said so itself, in the topic's dead letters."""
    stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begin to read."""
        self.threads = [threading.Thread(target=each, daemon=True) for each in (self._tail, self._look)]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        """Read no more."""
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)

    def committed_after(self, event_time: int) -> float | None:
        """When the first bar time after this one was seen committed."""
        return next((at for at, end in list(self.newest) if end > event_time), None)

    def _tail(self) -> None:
        """Whatever the job commits, undecoded: a bar frame's record time is the end of the bar."""
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "chaos-tail", "log_level": 0,
                           "enable.auto.commit": False, "auto.offset.reset": "earliest",
                           "isolation.level": "read_committed"})  # fmt: skip
        reader.subscribe([*WATCHED, *(f"{topic}.dlq" for topic in WATCHED)])
        serials: dict[tuple[str, bytes], int] = {}
        while not self.stopping.is_set():
            message = reader.poll(0.2)
            if message is None or message.error():
                continue
            topic, key = str(message.topic()), bytes(message.key())
            if topic not in WATCHED:
                self.alarms.append((time.time(), topic.removesuffix(".dlq"), key))
                continue
            self.seen[f"records of {topic}, live"] += 1
            serial = int(dict(message.headers() or [])["serial"])
            if serial != serials.get((topic, key), 0) + 1:
                self.gaps.append((time.time(), topic, key))
            serials[topic, key] = serial
            end = message.timestamp()[1] * 1000
            if topic == BAR and (not self.newest or end > self.newest[-1][1]):
                self.newest.append((time.time(), end))
        reader.close()

    def _look(self) -> None:
        """Vectors by their own bytes, as udfs/vector.py describes them."""
        newest: dict[tuple[str, str], tuple[int, ...]] = {}
        store: Any = None
        while not self.stopping.wait(READ_S):
            for view in self.views:
                try:
                    store = store or open_store(self.store_url)
                    vectors = store.read(self.project, view, self.entities)
                except (TickloomError, OSError):
                    continue
                for entity, vector in zip(self.entities, vectors, strict=True):
                    if vector is not None:
                        self._check(view, entity, vector, newest)

    def _check(self, view: str, entity: str, vector: bytes, newest: dict[tuple[str, str], tuple[int, ...]]) -> None:
        magic, _, crc, event_time, fence, revision = struct.unpack_from("<2sHI3q", vector)
        self.seen["vectors"] += 1
        if magic != b"TV" or zlib.crc32(vector[8:]) != crc:
            self.problems.append(f"{view} of {entity}: torn, {vector[:48].hex()}")
        now = (event_time, fence, revision)
        if now < newest.get((view, entity), now):
            self.problems.append(f"{view} of {entity}: stale, {now} after {newest[view, entity]}")
        newest[view, entity] = now
