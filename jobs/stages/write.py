"""Write: frames and dead letters -> Avro records -> Kafka, all topics in one transaction."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from pyflink.common import Row
from pyflink.datastream import DataStream, FlatMapFunction, RuntimeContext
from pyflink.table import StatementSet, StreamTableEnvironment

from jobs.runtime import kafka
from jobs.runtime.dead_letters import DeadLetters, unbundle
from jobs.runtime.envelope import ACTION, RECORD, VIEWS
from jobs.stages.alarm import NUMBERED, alarm
from schemas.settings import Settings
from schemas.wire import encoder
from udfs.bars import IDS
from udfs.frame import BARS, CROSS_ASSET, PATHS, Frame

BAR, FEATURE, REQUEST = "market.bar.v1", "feature.frame.v1", "scoring.request.v1"
HEAD = ("interval", "shard", "event_time", "known_at", "revision", "symbols", "removed")
TIMED = "select topic, k, v, cast(to_timestamp_ltz(ts, 3) as timestamp(3)) ts from records"


class Encode(FlatMapFunction):
    """Envelopes -> (topic, key, value, record time ms); with `score`, a request a cross-section of `interval`."""

    def __init__(self, ids: Mapping[str, int], interval: str, score: bool) -> None:
        self.ids, self.interval, self.score = dict(ids), interval, score

    def open(self, context: RuntimeContext) -> None:
        """Avro writers of the topics."""
        self.encode = {topic: encoder(topic, self.ids[topic]) for topic in (BAR, FEATURE, REQUEST)}

    def flat_map(self, row: Row) -> Iterator[Row]:
        """One envelope; what is no frame is a bundle of messages for the topic of its kind's name.

        Actions and paths stay here.
        """
        shard, kind, payload = row
        if kind in (ACTION, PATHS):
            return
        if kind not in VIEWS:
            now = time.time_ns() // 1_000_000
            yield from (Row(kind, str(shard).encode(), letter, now) for letter in unbundle(payload))
            return
        frame = Frame.unpack(payload)
        topic = BAR if frame.view == BARS else FEATURE
        record = bar_record(frame) if frame.view == BARS else feature_record(frame)
        yield self._record(topic, f"{frame.feature_view}/{shard}", record, frame)
        if self.score and frame.view == CROSS_ASSET and frame.interval == self.interval and frame.revision == 0:
            yield self._record(REQUEST, self.interval, self._request(frame), frame)

    def _record(self, topic: str, key: str, record: dict[str, Any], frame: Frame) -> Row:
        return Row(topic, key.encode(), self.encode[topic](record), frame.event_time // 1000)

    def _request(self, frame: Frame) -> dict[str, Any]:
        tile = f"/{frame.shard}" if frame.shard else ""
        name = hashlib.sha256(f"{self.interval}/{frame.event_time}{tile}".encode()).hexdigest()[:16]
        return {"request_id": name, "event_time": frame.event_time, "interval": self.interval, "symbols": frame.symbols}


def _head(frame: Frame) -> dict[str, Any]:
    return {name: getattr(frame, name) for name in HEAD}


def bar_record(frame: Frame) -> dict[str, Any]:
    """A bar frame as a record of market.bar.v1."""
    columns = {name: frame.column(name) for name in frame.names}
    whole = {name: columns.pop(name).astype(np.int64).tolist() for name in ("trade_count", *IDS) if name in columns}
    return _head(frame) | whole | {name: column.tolist() for name, column in columns.items()}


def feature_record(frame: Frame) -> dict[str, Any]:
    """A feature frame as a record of feature.frame.v1."""
    doubles = [{"name": name, "values": frame.column(name).tolist()} for name in frame.names]
    strings = [{"name": name, "values": texts} for name, texts in frame.strings.items()]
    return _head(frame) | {"view": frame.feature_view, "doubles": doubles, "strings": strings}


def write(
    tables: StreamTableEnvironment,
    settings: Settings,
    rows: DataStream,
    function: Encode,
    targets: list[str],
    dead: list[DeadLetters],
) -> StatementSet:
    """Everything into Kafka, exactly once; a gap in that is told, too."""
    records = rows.flat_map(function, output_type=RECORD).uid("features.encode").name("encode")
    gaps = alarm(tables, settings, "features", dead)
    tables.create_temporary_view("records", records.union(gaps))
    tables.execute_sql(kafka.sink("committed", targets, settings, "features", headers=True))
    statements = tables.create_statement_set()
    statements.add_insert_sql(f"insert into committed {NUMBERED.format(records=f'({TIMED})')}")
    return statements
