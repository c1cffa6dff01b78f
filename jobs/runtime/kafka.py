"""Kafka tables for the jobs: raw bytes in with event time and place, raw bytes out exactly once.

Decoding is not SQL's business here: `avro-confluent` fails a job on one bad message, again and again.
"""

from collections.abc import Iterable

from schemas.settings import Settings, parse_duration

LARGEST_BYTES = 1 << 24
"""Of a message: as flink-conf/kafka.properties has it. The universe of 3,000 members over 60 bars takes 2 MB."""
TRANSACTION_TIMEOUT_MS = 600_000


def source(name: str, topic: str, settings: Settings, *, idle_timeout: str = "") -> str:
    """DDL of a table over a topic: v (bytes), part, pos (partition, offset), rt (event time, the watermark's column).

    Event time is the record's timestamp, at most `bars.max_future` ahead of this machine's clock, so that one record
    from the year 2099 cannot end the day for all others; it is refused later, by its payload time. The watermark
    trails by `bars.lateness`. idle_timeout (a duration) lets a silent topic not hold back time.
    """
    future_ms, lateness_ms = (parse_duration(d) // 1000 for d in (settings.bars.max_future, settings.bars.lateness))
    limit = f"timestampadd(second, {future_ms / 1000:.0f}, current_timestamp)"
    idle = {"scan.watermark.idle-timeout": f"{parse_duration(idle_timeout) // 1000} ms"} if idle_timeout else {}
    options = {
        "connector": "kafka",
        "topic": topic,
        "format": "raw",
        "scan.startup.mode": "earliest-offset",
        "properties.bootstrap.servers": settings.kafka.bootstrap,
        "properties.group.id": f"tickloom-{name}",
        "properties.isolation.level": "read_committed",
        **idle,
    }
    return f"""create temporary table {name} (
        v bytes,
        part int metadata from 'partition' virtual,
        pos bigint metadata from 'offset' virtual,
        ts timestamp_ltz(3) metadata from 'timestamp' virtual,
        rt as case when ts > {limit} then {limit} else ts end,
        watermark for rt as rt - interval '{lateness_ms / 1000:.3f}' second
    ) with ({_with(options)})"""


def sink(name: str, topics: Iterable[str], settings: Settings) -> str:
    """DDL of a table (topic, k bytes, v bytes, ts timestamp(3)) that writes to any of the topics in one transaction."""
    options = {
        "connector": "kafka",
        "topic": ";".join(topics),
        "key.format": "raw",
        "key.fields": "k",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "exactly-once",
        "sink.transactional-id-prefix": f"tickloom-{name}",
        "properties.bootstrap.servers": settings.kafka.bootstrap,
        "properties.transaction.timeout.ms": str(TRANSACTION_TIMEOUT_MS),
        "properties.linger.ms": "5",
        "properties.compression.type": "lz4",
        "properties.max.request.size": str(LARGEST_BYTES),
    }
    return f"""create temporary table {name} (
        topic string metadata,
        k bytes,
        v bytes,
        ts timestamp(3) metadata from 'timestamp'
    ) with ({_with(options)})"""


def _with(options: dict[str, str]) -> str:
    return ", ".join(f"'{key}' = '{value}'" for key, value in options.items())
