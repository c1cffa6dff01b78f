"""Kafka tables for the jobs: raw bytes in with event time and place, raw bytes out exactly once.

Decoding is not SQL's business here: `avro-confluent` fails a job on one bad message, again and again.
"""

from collections.abc import Iterable, Sequence

from jobs.runtime import access, committed
from schemas.sections import Role
from schemas.settings import Settings, parse_duration
from schemas.wire import MOST_BYTES

LARGEST_BYTES = 1 << 24
"""Of a message: as flink-conf/kafka.properties has it. The universe of 3,000 members over 60 bars takes 2 MB."""
ALARM = "alarm"
RAW = {"key.format": "raw", "key.fields": "k", "value.format": "raw", "value.fields-include": "EXCEPT_KEY"}
"""Keys and values of tables as the bytes that Kafka has, in columns of their own."""


def source(name: str, topic: str, settings: Settings, job: Role, *, idle_timeout: str = "") -> str:
    """DDL of a table over a topic: v (bytes), part, pos (partition, offset), rt (event time, the watermark's column).

    Event time is the record's timestamp, at most `bars.max_future` ahead of this machine's clock, so that one record
    from the year 2099 cannot end the day for all others; it is refused later, by its payload time. The watermark
    trails by `bars.lateness`. idle_timeout (a duration) lets a silent topic not hold back time. Consumer group and
    transactional ids begin with the job's name: rights are given by it. Of a message that is too large, as compressed
    ones can be whatever the broker allows, one byte too many is kept: windows and rows of Flink have bounds of their
    own, behind which the job would fail again and again.
    """
    future_ms, lateness_ms = (parse_duration(d) // 1000 for d in (settings.bars.max_future, settings.bars.lateness))
    limit = f"timestampadd(second, {future_ms / 1000:.0f}, current_timestamp)"
    idle = {"scan.watermark.idle-timeout": f"{parse_duration(idle_timeout) // 1000} ms"} if idle_timeout else {}
    options = {
        "connector": "kafka",
        "topic": topic,
        "format": "raw",
        "scan.startup.mode": "earliest-offset",
        "scan.topic-partition-discovery.interval": "10 s",
        "properties.group.id": access.own(job, name),
        "properties.isolation.level": "read_committed",
        **access.connector(settings.kafka, job),
        **idle,
    }
    return f"""create temporary table {name} (
        whole bytes,
        v as cast(cast(whole as varbinary({MOST_BYTES + 1})) as bytes),
        part int metadata from 'partition' virtual,
        pos bigint metadata from 'offset' virtual,
        ts timestamp_ltz(3) metadata from 'timestamp' virtual,
        rt as case when ts > {limit} then {limit} else ts end,
        watermark for rt as rt - interval '{lateness_ms / 1000:.3f}' second
    ) with ({_with(options)})"""


def sink(name: str, topics: Iterable[str], settings: Settings, job: Role, *, headers: bool = False) -> str:
    """DDL of a table that writes to any of the topics in one transaction.

    Columns: topic, k bytes, v bytes, ts timestamp(3), and if asked for headers, a map of bytes.
    """
    more = ", headers map<string, bytes> metadata" if headers else ""
    options = {
        "connector": "kafka",
        "topic": ";".join(topics),
        **RAW,
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": access.own(job, name),
        **access.connector(settings.kafka, job),
        "properties.transaction.timeout.ms": str(parse_duration(settings.kafka.transaction_timeout) // 1000),
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
        "properties.max.request.size": str(LARGEST_BYTES),
    }
    return f"""create temporary table {name} (
        topic string metadata,
        k bytes,
        v bytes,
        ts timestamp(3) metadata from 'timestamp'{more}
    ) with ({_with(options)})"""


def read_back(name: str, topics: Sequence[str], settings: Settings, job: Role) -> str:
    """DDL of a table over what is committed to topics from `begin_at_end` on: topic, k, part, pos, ts, headers."""
    options = {
        "connector": "kafka",
        "topic": ";".join(topics),
        **RAW,
        "scan.startup.mode": "group-offsets",
        **access.connector(settings.kafka, job),
        "properties.group.id": access.own(job, ALARM),
        "properties.isolation.level": "read_committed",
    }
    return f"""create temporary table {name} (
        topic string metadata virtual,
        k bytes,
        v bytes,
        part int metadata from 'partition' virtual,
        pos bigint metadata from 'offset' virtual,
        ts timestamp_ltz(3) metadata from 'timestamp' virtual,
        headers map<string, bytes> metadata virtual
    ) with ({_with(options)})"""


def begin_at_end(topics: Iterable[str], settings: Settings, job: Role) -> None:
    """Have a job's alarm begin with what comes next; a job that is restored goes on from its own state."""
    from confluent_kafka import TopicPartition

    with committed.consumer(settings.kafka, job, access.own(job, ALARM)) as reader:
        ends = {topic: committed.ends(topic, settings.kafka, job) for topic in topics}
        places = [TopicPartition(topic, number, end) for topic, of in ends.items() for number, end in of.items()]
        reader.commit(offsets=places, asynchronous=False)


def _with(options: dict[str, str]) -> str:
    return ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
