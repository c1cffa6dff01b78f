"""Topics in memory, and a producer that delivers as it likes and can be killed: a broker's part in a replay."""

from collections.abc import Iterable
from random import Random
from typing import Any

from schemas.settings import settings
from tickloom.tape.messages import Message


class KilledError(Exception):
    """The process of a producer is gone."""


class MemoryTopic:
    """What `tickloom.tape.publish.Topic` shows of a topic."""

    def __init__(self, name: str, partitions: int) -> None:
        self.name, self.kafka, self.partitions = name, settings().kafka, partitions
        self.log: list[list[Message]] = [[] for _ in range(partitions)]

    def ends(self) -> list[int]:
        return [len(records) for records in self.log]

    settled_ends = ends

    def record(self, partition: int, offset: int) -> Message | None:
        return self.log[partition][offset] if offset < len(self.log[partition]) else None

    def close(self) -> None:
        """Nothing to let go."""


class MemoryProducer:
    """Keeps the order within a partition; delivers some of what waits at each poll; dies at call number `kill_at`."""

    def __init__(self, topics: Iterable[MemoryTopic], random: Random, kill_at: int = -1) -> None:
        self._logs = {topic.name: topic.log for topic in topics}
        self._random, self._left = random, kill_at
        self._waiting: dict[tuple[str, int], list[Message]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def produce(
        self, topic: str, value: bytes, key: bytes, partition: int, _callback: Any, _report: Any, time_ms: int
    ) -> None:
        if not self._left:
            self.poll(0)
            raise KilledError
        self._left -= 1
        self._waiting.setdefault((topic, partition), []).append(Message(value, key, partition, time_ms))

    def poll(self, _seconds: float) -> None:
        for (topic, partition), waiting in self._waiting.items():
            n = self._random.randint(0, len(waiting))
            self._logs[topic][partition] += waiting[:n]
            del waiting[:n]

    flush = poll
