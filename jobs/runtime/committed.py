"""What a job has committed: the records of a topic up to now, and feature frames among them.

Addresses are those of the settings, asked as `reader`; a worker, which has none, names them and its job.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from jobs.runtime import access
from schemas.registry import Lookup
from schemas.sections import Kafka, Role
from schemas.settings import settings
from schemas.wire import decode
from udfs.frame import Frame

Record = dict[str, Any]
PATIENCE_S = 20


def length(topic: str) -> int:
    """How many records were ever written to a topic, transaction marks included."""
    return sum(ends(topic, settings().kafka, "reader").values())


def consumed(topic: str, group: str) -> int:
    """How many records of a topic a consumer group had read when it last said so: a job does with each checkpoint."""
    from confluent_kafka import TopicPartition

    kafka = settings().kafka
    with consumer(group=group) as reader:
        places = [TopicPartition(topic, n) for n in access.topic(reader, topic, kafka, "reader").partitions]
        return sum(max(0, place.offset) for place in reader.committed(places, 10))


def records(topic: str, kafka: Kafka | None = None, registry: str = "", role: Role = "reader") -> Iterator[Record]:
    """Every committed record of a topic from its beginning to its present end, partition by partition."""
    from confluent_kafka import KafkaException, TopicPartition

    kafka = kafka or settings().kafka
    lookup, last = Lookup(registry or settings().registry.url), ends(topic, kafka, role)
    with consumer(kafka, role) as reader:
        reader.assign([TopicPartition(topic, number, 0) for number in last])
        left = {partition for partition, end in last.items() if end}
        while left:
            for message in reader.consume(1000, 1.0):
                partition, at, error = message.partition(), message.offset(), message.error()
                if error and error.name() != "_PARTITION_EOF":
                    if not error.retriable():
                        raise access.refusal(error, kafka, role) or KafkaException(error)
                    continue
                if error or at + 1 >= last[partition]:
                    left.discard(partition)
                if not error and at < last[partition] and message.value() is not None:
                    yield decode(message.value(), lookup)


def ends(topic: str, kafka: Kafka, role: Role) -> dict[int, int]:
    """Offset of the end of each partition; a partition may have no leader for a moment, which is waited for."""
    from confluent_kafka import KafkaException, TopicPartition

    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            with consumer(kafka, role) as reader:
                places = [TopicPartition(topic, n) for n in access.topic(reader, topic, kafka, role).partitions]
                return {place.partition: reader.get_watermark_offsets(place, 10)[1] for place in places}
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextmanager
def consumer(kafka: Kafka | None = None, role: Role = "reader", group: str = "") -> Iterator[Any]:
    """A consumer of committed records only, that keeps no offsets; closed at the end."""
    from confluent_kafka import Consumer

    config = {
        **access.client(kafka or settings().kafka, role),
        "group.id": group or access.own(role, "committed"),
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }
    reader = Consumer(config)
    try:
        yield reader
    finally:
        reader.close()


def frame(record: Record) -> Frame:
    """A record of feature.frame.v1 as the frame that it was."""
    names = tuple(column["name"] for column in record["doubles"])
    values = np.array([column["values"] for column in record["doubles"]]).T.reshape(len(record["symbols"]), len(names))
    strings = {column["name"]: column["values"] for column in record["strings"]}
    view = record["view"].removesuffix(f"_{record['interval']}")
    names_of_head = ("interval", "shard", "event_time", "known_at", "revision", "symbols", "removed")
    head = {name: record[name] for name in names_of_head}
    return Frame(view=view, names=names, values=values, strings=strings, **head)
