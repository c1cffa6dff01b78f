"""The topics of the contracts in a running cluster: one for each schema, and one for the dead letters of each."""

import time
from typing import Any

from schemas.errors import StackError
from schemas.loader import CHANGEABLE, TOPICS, dead_letter_topics
from schemas.wire import MOST_BYTES

PARTITIONS = 2
BATCH_BYTES = 1 << 10
"""What a message's key, headers and batch may take besides."""
PATIENCE_S, POLL_S = 10.0, 0.1


def names() -> list[str]:
    """Every topic that the stack has."""
    return [*TOPICS, *dead_letter_topics()]


def create(client: dict[str, Any], replicas: int) -> None:
    """Create the topics that are missing, as this client; StackError if the cluster refuses one."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    # a replay carries timestamps of the past, which the usual retention by time would delete within minutes, and of
    # many years, for each week of which the usual roll by time would open a new file
    keep = {"retention.ms": "-1", "segment.ms": str(2**62)}
    bounded = dict.fromkeys(CHANGEABLE, keep | {"max.message.bytes": str(MOST_BYTES + BATCH_BYTES)})
    wanted = [
        NewTopic(name, num_partitions=PARTITIONS, replication_factor=replicas, config=bounded.get(name, keep))
        for name in names()
    ]
    admin = AdminClient({**client, "log_level": 0})
    for name, future in admin.create_topics(wanted).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(
                    f"topic not created: {error}", where=f"{name} on {client['bootstrap.servers']}"
                ) from error
    await_leaders(client)


def await_leaders(client: dict[str, Any]) -> None:
    """Wait until each partition can be read: a topic exists a moment before its brokers have agreed who leads it."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    deadline = time.monotonic() + PATIENCE_S
    reader = Consumer({**client, "group.id": "tickloom-topics", "enable.auto.commit": False})
    waiting = [TopicPartition(name, partition) for name in names() for partition in range(PARTITIONS)]
    try:
        while waiting:
            try:
                reader.get_watermark_offsets(waiting[-1], PATIENCE_S)
                waiting.pop()
            except KafkaException as error:
                if time.monotonic() > deadline:
                    raise StackError(f"a partition has no leader: {error}", where=str(waiting[-1])) from error
                time.sleep(POLL_S)
    finally:
        reader.close()
