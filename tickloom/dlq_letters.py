"""Dead letters as they lie in Kafka, and which of them were put back.

A letter that was put back is marked in its own topic: a record of the same schema and place, stage "replay", reason
"replayed", committed in one transaction with what went back. Letters without a mark are what is left; there is no
other state. This file must not know what a message means, nor how one is repaired.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jobs.runtime import access, committed
from schemas.errors import ConfigError, StackError, nearest
from schemas.loader import dead_letter_topics
from schemas.registry import Lookup
from schemas.settings import settings
from schemas.wire import decode

STAGE, REASON = "replay", "replayed"
SUFFIX = ".dlq"
PATIENCE_S = 60.0
Place = tuple[str, int, int]
"""Topic, partition and offset of the message that could not be used."""


@dataclass(frozen=True)
class Letter:
    """A message that could not be used; time_ms: when that was said, milliseconds since 1970."""

    place: Place
    stage: str
    reason: str
    detail: str
    raw: bytes
    time_ms: int


@dataclass
class Letters:
    """Those of one topic of dead letters: all, by place, in the order of the topic; and the places that have a mark."""

    queue: str
    all: dict[Place, Letter] = field(default_factory=dict)
    replayed: set[Place] = field(default_factory=set)

    def add(self, record: dict[str, Any], time_ms: int) -> None:
        """A record of the topic. A job that began anew says again what was said; the first time counts."""
        place = record["topic"], record["partition"], record["offset"]
        if record["stage"] == STAGE:
            self.replayed.add(place)
        else:
            words = {name: record[name] for name in ("stage", "reason", "detail", "raw")}
            self.all.setdefault(place, Letter(place=place, **words, time_ms=time_ms))

    @property
    def left(self) -> list[Letter]:
        """The letters without a mark."""
        return [letter for place, letter in self.all.items() if place not in self.replayed]


def queues(topic: str = "") -> list[str]:
    """The topics of dead letters: all, or that of `market.price.v1` (`market.price.v1.late`), its suffix or not."""
    known = {name.removesuffix(SUFFIX): name for name in dead_letter_topics()}
    if not topic:
        return list(known.values())
    name = topic.removesuffix(SUFFIX)
    if name not in known:
        raise ConfigError(f"no dead letters of {topic!r}", hint=nearest(name, known))
    return [known[name]]


def read(queue: str, *, settled: bool = False) -> Letters:
    """All committed letters and marks of a topic.

    settled: of all that was written until now, even what stands behind an open transaction of a job, which is waited
    for: a reader of committed records does not see beyond it, and would take a letter with a mark there for one that
    is left. StackError when that transaction stays open.
    """
    found, lookup = Letters(queue), Lookup(settings().registry.url)
    for message in _messages(queue, settled):
        found.add(decode(message.value(), lookup), message.timestamp()[1])
    return found


def _messages(queue: str, settled: bool) -> Iterator[Any]:
    from confluent_kafka import TopicPartition

    ends = _ends(queue)
    deadline = time.monotonic() + PATIENCE_S
    with committed.consumer() as reader:
        left = {partition: end for partition, end in ends.items() if end}
        reader.assign([TopicPartition(queue, partition, 0) for partition in left])
        while left:
            for message in reader.consume(1000, 0.5):
                partition, at, error = message.partition(), message.offset(), message.error()
                if not error and message.value() is not None:
                    yield message
                # the end that a reader of committed records is told of may be before the one asked for
                ended = at >= ends[partition] or not settled if _is_end(error) else at + 1 >= ends[partition]
                if ended:
                    left.pop(partition, None)
            if left and time.monotonic() > deadline:
                hint = "a job that stopped left it; Kafka ends it after at most 15 minutes, or the job when it is back"
                raise StackError(f"a transaction stays open before offset {left}", where=queue, hint=hint)


def _is_end(error: Any) -> bool:
    """Whether it says that the end of a partition was reached; StackError for what will not go away."""
    if error and error.name() != "_PARTITION_EOF" and not error.retriable():
        raise StackError(f"Kafka does not answer: {error}", where=settings().kafka.bootstrap)
    return bool(error) and error.name() == "_PARTITION_EOF"


def _ends(queue: str) -> dict[int, int]:
    """Offset behind the last record of each partition, committed or not."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    quiet = {
        "enable.auto.commit": False,
        "isolation.level": "read_uncommitted",
        "group.id": access.own("reader", "dlq"),
    }
    reader = Consumer({**access.client(settings().kafka, "reader"), **quiet})
    try:
        found = reader.list_topics(queue, 10).topics[queue]
        places = [TopicPartition(queue, partition) for partition in found.partitions]
        return {place.partition: reader.get_watermark_offsets(place, 10)[1] for place in places}
    except KafkaException as error:
        hint = "tickloom stack status"
        raise StackError(f"no dead letters to read: {error}", where=settings().kafka.bootstrap, hint=hint) from error
    finally:
        reader.close()
