"""The whole pipeline as a user runs it, for tests: empty topics, tapes published, jobs submitted, output read back."""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from confluent_kafka.admin import AdminClient

from feature_repo.stores import open_store
from feature_repo.views import layout
from jobs.runtime import access, committed
from schemas.errors import StackError
from schemas.settings import settings, state_dir, store_url
from tickloom.flink import run_job
from tickloom.flink_rest import FlinkRest
from tickloom.stack import topics
from tickloom.stack.components import flink_url
from udfs.table import table

DEADLINE_S = 240


def empty() -> None:
    """No job, no record, no vector: as the stack was when new."""
    cluster = FlinkRest(flink_url())
    for job, state in cluster.jobs().items():
        if state in {"RUNNING", "RESTARTING", "CREATED"}:
            cluster.cancel(job)
    client = AdminClient({"bootstrap.servers": settings().kafka.bootstrap})
    for future in client.delete_topics(topics.names()).values():
        future.result()
    eventually(lambda: not set(topics.names()) & set(client.list_topics(timeout=10).topics))
    topics.create(access.client(settings().kafka, "admin"), replicas=1)
    eventually(lambda: all(committed.length(name) == 0 for name in topics.names()))
    for journal in (state_dir() / "replay").glob("*"):
        journal.unlink()
    store = open_store(store_url())
    for view in ("indicators_1d", "cross_asset_1d", "indicators_1m", "cross_asset_1m"):
        store.delete(settings().store.project, view)


def start_features(parallelism: int, *args: str) -> str:
    """Submit the features job; its id once every task reads."""
    job = run_job("jobs.features", args, parallelism)
    FlinkRest(flink_url()).ready(job)
    return job


def eventually(true: Callable[[], bool]) -> None:
    """Wait until it is true; errors of a server that is not yet there count as false."""
    deadline = time.monotonic() + DEADLINE_S
    while not _holds(true):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.5)


def _holds(true: Callable[[], bool]) -> bool:
    from confluent_kafka import KafkaException

    try:
        return true()
    except (KafkaException, StackError):
        return False


def feature_records() -> list[dict[str, Any]]:
    """All committed feature frames."""
    return list(committed.records("feature.frame.v1"))


def last_frame_is(event_time_us: int) -> bool:
    """Whether the cross-section of this bar time is committed."""
    return any(r["event_time"] == event_time_us for r in feature_records() if r["view"].startswith("cross_asset"))


def assert_committed_once(records: Iterable[dict[str, Any]]) -> None:
    """No frame stands twice in the committed output."""
    keys = Counter((r["view"], r["shard"], r["event_time"], r["revision"]) for r in records)
    assert [key for key, n in keys.items() if n > 1] == []


def as_table(records: Iterable[dict[str, Any]]) -> pa.Table:
    """The newest revision of every row, as `features compute` writes it."""
    return table(map(committed.frame, records))


def assert_same_bytes(found: pa.Table, expected: pa.Table) -> None:
    """Equal to the last bit, NaN included."""
    assert found.schema.equals(expected.schema)
    assert found.num_rows == expected.num_rows
    for name in expected.column_names:
        left, right = (one[name].combine_chunks() for one in (found, expected))
        if pa.types.is_floating(right.type):
            left, right = (each.to_numpy(zero_copy_only=False).view("i8") for each in (left, right))
            assert (left == right).all(), name
        else:
            assert left.equals(right), name


def eventually_same(expected: pa.Table) -> None:
    """Wait until the newest committed rows are these: amendments come in their turns, after the last bar."""

    def same() -> bool:
        found = as_table(feature_records())
        return found.num_rows == expected.num_rows and not _differs(found, expected)

    eventually(same)


def _differs(found: pa.Table, expected: pa.Table) -> bool:
    try:
        assert_same_bytes(found, expected)
    except AssertionError:
        return True
    return False


def assert_store_holds(expected: pa.Table, interval: str) -> None:
    """The online store has each symbol's newest row, bit for bit."""
    newest = {row["symbol"]: row for row in expected.to_pylist()}
    store = open_store(store_url())
    for view in (f"indicators_{interval}", f"cross_asset_{interval}"):
        shape = layout(view)
        vectors = shape.unpack(store.read(settings().store.project, view, list(newest)))
        assert vectors.present.all()
        for i, row in enumerate(newest.values()):
            assert vectors.event_time[i] == int(row["event_time"].timestamp()) * 1_000_000
            wanted = pa.array([row[name] for name in shape.numbers], pa.float64()).to_numpy(zero_copy_only=False)
            assert vectors.values[i].tobytes() == wanted.tobytes()
            assert [texts[i] for texts in vectors.strings] == [row[name] for name, _ in shape.texts]


def read(path: Path) -> pa.Table:
    """A Parquet file."""
    return pq.read_table(path)
