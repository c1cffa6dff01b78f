"""The demo as a user runs it, and what it left behind: one answer on every path, served by Feast bit for bit."""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from feature_repo.views import feature_log
from jobs.runtime import committed
from schemas.settings import settings, state_dir
from tests.e2e import pipeline
from tickloom.replay import Target, replay

SYMBOLS = {"AAPL", "FB", "GOOG", "IBM", "MSFT"}
BARS = 3_270  # days on which any of them traded


@pytest.fixture(scope="module")
def printed(stack: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `tickloom demo` prints on an empty stack, with a model that it trains itself."""
    pipeline.empty()
    model = tmp_path_factory.mktemp("models") / "default"
    command = [sys.executable, "-c", "from tickloom.cli import main; main()", "demo"]
    env = {**os.environ, "TICKLOOM_HOME": str(stack), "TICKLOOM_SCORING__MODEL": str(model)}
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    settings.cache_clear()
    return done.stdout


@pytest.fixture(scope="module")
def expected(printed: str) -> pa.Table:
    """The feature log of the batch path, which the demo wrote for Feast."""
    assert printed
    return pipeline.read(feature_log("1d"))


def test_it_shows_what_ran_and_what_came_out(printed: str) -> None:
    for native in (
        "$ feast -c feature_repo apply",
        "$ flink run -d -p 2 -pym jobs.features",
        "$ flink run -d -p 1 -pym jobs.scoring",
    ):
        assert native in printed
    for line in ("48,618 market.price.v1", "0 market.price.v1.dlq", "48,616 used", "make down"):
        assert line in printed
    assert all(symbol in printed for symbol in SYMBOLS)


def test_the_stream_gave_the_bytes_of_the_batch(expected: pa.Table) -> None:
    pipeline.eventually_same(expected)  # what comes before the first watermark is an amendment
    records = pipeline.feature_records()
    pipeline.assert_committed_once(records)
    pipeline.assert_same_bytes(pipeline.as_table(records), expected)


def test_every_frame_was_scored_once(expected: pa.Table) -> None:
    scores = list(committed.records("scoring.score.v1"))
    assert len(scores) == len({score["event_time"] for score in scores}) == BARS
    newest = max(scores, key=lambda score: score["event_time"])
    assert set(newest["symbols"]) == SYMBOLS
    assert set(newest["status"]) == {"OK"}
    assert newest["event_time"] == int(expected["event_time"].cast("int64")[-1].as_py())


def test_feast_serves_what_the_job_wrote_bit_for_bit(expected: pa.Table) -> None:
    from feast import FeatureStore

    pipeline.assert_store_holds(expected, "1d")
    store = FeatureStore("feature_repo", fs_yaml_file=Path("feature_repo/feature_store.yaml"))
    rows = {row["symbol"]: row for row in expected.to_pylist()}
    entities = [{"symbol": symbol} for symbol in sorted(rows)]
    served = store.get_online_features(store.get_feature_service("scoring_v1"), entities).to_dict()
    for i, symbol in enumerate(served["symbol"]):
        for name in expected.column_names[2:]:
            value = rows[symbol][name]
            assert served[name][i] == (None if value != value else value), (symbol, name)  # noqa: PLR0124 - NaN


@pytest.mark.parametrize("parallelism", [1, 2])
def test_the_replay_gives_the_bytes_of_the_batch(expected: pa.Table, tmp_path: Path, parallelism: int) -> None:
    folder, out = state_dir() / "demo", tmp_path / "features.parquet"
    replay([folder / "ticks.parquet", out], Target.FEATURES, folder / "actions.parquet", "1d", parallelism=parallelism)
    pipeline.assert_same_bytes(pipeline.read(out), expected)
