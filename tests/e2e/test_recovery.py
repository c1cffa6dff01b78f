"""A TaskManager killed in mid-stream: committed output and online store as if nothing had been."""

import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.e2e import pipeline
from tickloom.flink_rest import FlinkRest
from tickloom.replay import Target, replay
from tickloom.sample import sample
from tickloom.stack import control, process
from tickloom.stack.components import flink_url
from udfs.batch import compute

DAY_US = 86_400_000_000


@pytest.fixture(scope="module")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real prices and their features by batch."""
    folder = tmp_path_factory.mktemp("prices")
    sample(folder)
    return folder


def test_killed_in_mid_stream_nothing_is_lost_or_doubled(stack: Path, prices: Path, tmp_path: Path) -> None:
    expected = compute(pipeline.read(prices / "bars.parquet"), pipeline.read(prices / "actions.parquet"), "1d")
    ticks = pipeline.read(prices / "ticks.parquet")
    half = ticks.num_rows // 2
    pq.write_table(ticks.slice(0, half), tmp_path / "first.parquet")
    pq.write_table(ticks.slice(half), tmp_path / "second.parquet")

    pipeline.empty()
    job = pipeline.start_features(1, "--interval", "1d")
    replay([tmp_path / "first.parquet"], Target.KAFKA, prices / "actions.parquet", "1d")
    pipeline.eventually(lambda: len(pipeline.feature_records()) > 100)
    taskmanager = process.leader(process.Place(stack), "taskmanager")
    assert taskmanager
    os.kill(taskmanager.pid, signal.SIGKILL)
    assert not any(
        r["event_time"] >= int(expected["event_time"].cast("int64")[-1].as_py()) for r in pipeline.feature_records()
    )
    control.up()
    replay([tmp_path / "second.parquet"], Target.KAFKA, None, "1d")

    last = int(expected["event_time"].cast("int64")[-1].as_py())
    pipeline.eventually(lambda: pipeline.last_frame_is(last))
    pipeline.eventually_same(expected)  # what comes before the first watermark of the restored job is an amendment
    records = pipeline.feature_records()
    pipeline.assert_committed_once(records)
    pipeline.assert_same_bytes(pipeline.as_table(records), expected)
    pipeline.assert_store_holds(expected, "1d")
    assert FlinkRest(flink_url()).exceptions(job), "the kill was not noticed"
