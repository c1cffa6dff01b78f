"""Whether Kafka's transactions live long enough, looked at when a job starts: too short a life loses data in silence.

A transaction is open from one checkpoint until the next is complete. One that expires before is aborted by its broker,
and Flink's committer drops what was in it and goes on. So its time must exceed the longest checkpoint and the longest
restart together, and the brokers must allow it.
"""

import re
from collections.abc import Callable

from jobs.runtime import access
from schemas.errors import ConfigError, StackError
from schemas.sections import Kafka, Role
from schemas.settings import Settings, duration, parse_duration

BROKERS_MAXIMUM = "transaction.max.timeout.ms"
ALLOWED = {
    "execution.checkpointing.interval": "0 s",
    "execution.checkpointing.timeout": "10 min",
    "heartbeat.timeout": "50 s",
    "restart-strategy.exponential-delay.max-backoff": "1 min",
}
"""What a transaction must outlive, one after the other, by Flink's keys and its defaults."""
START_US = 60_000_000
"""And for a job to be deployed and restored."""
UNITS_US = {"ms": 1_000, "s": 1_000_000, "sec": 1_000_000, "min": 60_000_000, "m": 60_000_000, "h": 3_600_000_000}
PATIENCE_S = 20.0


def check(settings: Settings, job: Role, flink: Callable[[str, str], str]) -> None:
    """ConfigError, naming the key, where transactions may expire in a healthy job; flink: (key, default) -> value."""
    timeout = parse_duration(settings.kafka.transaction_timeout)
    longest = START_US + sum(flink_duration(flink(key, default)) for key, default in ALLOWED.items())
    if timeout <= longest:
        what = f"a checkpoint and a restart may take {longest / 1e6:.0f} s, transactions live {timeout / 1e6:.0f} s"
        hint = f"more than {duration(longest)}, or lower {', '.join(ALLOWED)}"
        raise ConfigError(f"setting kafka.transaction_timeout: {what}", hint=hint)
    if timeout > (most := brokers_maximum(settings.kafka, job)):
        what = f"{settings.kafka.transaction_timeout} is more than the brokers allow, {most / 1e6:.0f} s"
        hint = f"lower it, or raise the brokers' {BROKERS_MAXIMUM}"
        raise ConfigError(f"setting kafka.transaction_timeout: {what}", where=settings.kafka.bootstrap, hint=hint)


def flink_duration(text: str) -> int:
    """Microseconds of a duration as Flink writes it: `1s`, `2 min`, `500` (milliseconds); ConfigError if it is none."""
    found = re.fullmatch(r"(\d+)\s*([a-z]*)", text.strip())
    if not found or (found[2] or "ms") not in UNITS_US:
        raise ConfigError(f"{text!r} is not a duration of Flink's", hint=f"a number and one of {', '.join(UNITS_US)}")
    return int(found[1]) * UNITS_US[found[2] or "ms"]


def brokers_maximum(kafka: Kafka, job: Role) -> int:
    """Microseconds that the strictest of the brokers lets a transaction live."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType

    try:
        client = AdminClient({**access.client(kafka, job), "log_level": 0})
        known = client.list_topics(timeout=PATIENCE_S).brokers
        asked = [ConfigResource(ResourceType.BROKER, str(each)) for each in known]
        answers = [client.describe_configs([each])[each].result(PATIENCE_S) for each in asked]  # one broker a call
    except KafkaException as error:
        access.check(kafka, job)
        raise StackError(
            f"Kafka does not answer: {error}", where=kafka.bootstrap, hint="tickloom stack status"
        ) from error
    return min(int(answer[BROKERS_MAXIMUM].value) for answer in answers) * 1000
