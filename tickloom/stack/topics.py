"""The topics of the contracts in a running cluster: one for each schema, and one for the dead letters of each."""

from schemas.errors import StackError
from schemas.loader import TOPICS

PARTITIONS = 2


def names() -> list[str]:
    """Every topic that the stack has."""
    return [*TOPICS, *(f"{topic}.dlq" for topic in TOPICS)]


def create(bootstrap: str, replicas: int) -> None:
    """Create the topics that are missing; StackError if the cluster refuses one."""
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    # a replay carries timestamps of the past, which the usual retention by time would delete within minutes, and of
    # many years, for each week of which the usual roll by time would open a new file
    keep = {"retention.ms": "-1", "segment.ms": str(2**62)}
    wanted = [NewTopic(name, num_partitions=PARTITIONS, replication_factor=replicas, config=keep) for name in names()]
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for name, future in client.create_topics(wanted).items():
        try:
            future.result()
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise StackError(f"topic not created: {error}", where=f"{name} on {bootstrap}") from error
