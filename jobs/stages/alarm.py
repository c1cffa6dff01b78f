"""Alarm: what a job has committed to Kafka, read back -> a dead letter for each gap in it, and a metric.

Kafka's committer drops the data of a transaction that expired or was fenced, and goes on: the job stays green. So each
record carries the serial number of its topic and key in a header, counted in keyed state before the sink; here the
committed records are read as anybody reads them, and the serials of a key must follow each other. The state of both is
of one checkpoint, so they agree after every restore. All of it is SQL, but for a gap, which is seldom.
"""

from collections.abc import Iterable, Iterator

from pyflink.common import Row
from pyflink.datastream import DataStream, FlatMapFunction, RuntimeContext
from pyflink.table import StreamTableEnvironment

from jobs.runtime import kafka
from jobs.runtime.dead_letters import DeadLetters
from jobs.runtime.envelope import RECORD
from schemas.sections import Role
from schemas.settings import Settings

NUMBERED = """
select topic, k, v, ts, map['serial', cast(cast(count(*) over (
    partition by topic, k order by arrival rows between unbounded preceding and current row
) as string) as bytes)] headers from (select *, proctime() arrival from {records})
"""
GAPS = """
select topic, k, part, pos, cast(ts as timestamp(3)) ts, before, serial from (
    select *, first_value(serial) over pair before, count(*) over pair rows_seen from (
        select topic, k, part, pos, ts, cast(cast(headers['serial'] as string) as bigint) serial, proctime() arrival
        from read_back
    ) where serial is not null
    window pair as (partition by topic, k order by arrival rows between 1 preceding and current row)
) where serial <> case when rows_seen = 1 then 1 else before + 1 end
"""


class Gap(FlatMapFunction):
    """A record that does not follow the one before it -> a dead letter of its topic; counter `gaps`."""

    def __init__(self, dead: Iterable[DeadLetters]) -> None:
        self.dead = {each.topic: each for each in dead}

    def open(self, context: RuntimeContext) -> None:
        """The counter."""
        self.gaps = context.get_metrics_group().add_group("tickloom").counter("gaps")

    def flat_map(self, row: Row) -> Iterator[Row]:
        """(topic, key, partition, offset, time, serial before, serial)."""
        topic, key, partition, offset, time, before, serial = row
        reason = "gap" if serial > before else "repeat"
        detail = f"key {bytes(key).decode()}: serial {serial} follows {before if serial != before else 'none'}"
        self.gaps.inc()
        letter = self.dead[topic].message(b"", {"partition": partition, "offset": offset}, reason, "commit", detail)
        yield Row(self.dead[topic].target, bytes(key), letter, round(time.timestamp() * 1000))


def alarm(tables: StreamTableEnvironment, settings: Settings, name: Role, dead: Iterable[DeadLetters]) -> DataStream:
    """Rows for Kafka about gaps in what the job `name` commits, from now on, to the topics of these dead letters."""
    topics = [each.topic for each in dead]
    tables.execute_sql(kafka.read_back("read_back", topics, settings, name))
    gaps = tables.to_data_stream(tables.sql_query(GAPS))
    return gaps.flat_map(Gap(dead), output_type=RECORD).uid(f"{name}.alarm").name("alarm")
