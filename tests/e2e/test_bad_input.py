"""Late, doubled, cancelled and broken records in a running job: dead letters exact, neighbours unharmed, no restart."""

import json
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from jobs.runtime import committed
from schemas.registry import Lookup
from schemas.settings import settings
from schemas.wire import decode
from tests.e2e import pipeline
from tickloom.flink_rest import FlinkRest
from tickloom.replay import Order, Target, replay
from tickloom.stack.components import flink_url
from tickloom.synth import synth
from udfs.batch import compute

REASON = {
    "random_bytes": "no_magic",
    "unknown_schema_id": "unknown_schema_id",
    "truncated": "truncated",
    "trailing_bytes": "trailing_bytes",
    "nan_price": "price_not_finite",
    "infinite_price": "price_not_finite",
    "zero_price": "price_not_positive",
    "negative_price": "price_not_positive",
    "future": "event_time_gap",
}


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 symbols, three hours of minutes, and everything that can be wrong with a feed."""
    folder = tmp_path_factory.mktemp("tape")
    synth(20, 20_000, 7, folder, late=0.01, duplicates=0.01, cancels=0.01, bad=0.01, actions=2, interval="1m", rate=2.0)
    return folder


def test_what_cannot_be_used_is_a_dead_letter_and_nothing_else_moves(
    stack: Path, tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.empty()
    monkeypatch.setenv("TICKLOOM_STATE__HORIZON_BARS", "64")
    job = pipeline.start_features(2, "--interval", "1m")
    paths = [tape / "ticks.parquet", tape / "bad.parquet"]
    replay(paths, Target.KAFKA, tape / "actions.parquet", "1m", Order.ARRIVAL)
    expected = compute(pipeline.read(tape / "bars.parquet"), pipeline.read(tape / "actions.parquet"), "1m")
    last = int(expected["event_time"].cast("int64")[-1].as_py())
    too_late = pipeline.read(tape / "ticks.parquet").slice(0, 3)
    pq.write_table(too_late, tmp_path / "late.parquet")
    pipeline.eventually(lambda: pipeline.last_frame_is(last))
    replay([tmp_path / "late.parquet"], Target.KAFKA, None, "1m")
    pipeline.eventually_same(expected)
    pipeline.eventually(lambda: len(list(committed.records("market.price.v1.late.dlq"))) == 3)
    late = list(committed.records("market.price.v1.late.dlq"))
    assert {letter["reason"] for letter in late} == {"beyond_horizon"}
    lookup = Lookup(settings().registry.url)
    assert sorted(decode(letter["raw"], lookup)["trade_id"] for letter in late) == sorted(
        too_late["trade_id"].to_pylist()
    )

    truth = json.loads((tape / "truth.json").read_text())["counts"]
    letters = list(committed.records("market.price.v1.dlq"))
    assert Counter(letter["reason"] for letter in letters) == counted(truth["bad"])
    assert len({(letter["partition"], letter["offset"]) for letter in letters}) == len(letters)
    bad = pipeline.read(tape / "bad.parquet").to_pylist()
    assert Counter(letter["raw"][-8:] for letter in letters) == Counter(row["payload"][-8:] for row in bad)

    records = pipeline.feature_records()
    pipeline.assert_committed_once(records)
    pipeline.assert_same_bytes(pipeline.as_table(records), expected)
    pipeline.assert_store_holds(expected, "1m")
    cluster = FlinkRest(flink_url())
    assert cluster.restarts(job) == 0
    assert cluster.exceptions(job) == []
    ticks = pipeline.read(tape / "ticks.parquet").num_rows

    def taken() -> float:  # Flink counts some seconds later, and nothing is late where one poll held all
        fates = cluster.metrics(job, "tickloom.")
        return fates.get("on_time", 0) + fates.get("late", 0)

    pipeline.eventually(lambda: taken() >= ticks)
    assert taken() == ticks
    fates = cluster.metrics(job, "tickloom.")
    ends = ("used", "cancelled", "duplicates", "amendments", "orphans")
    assert ticks == sum(fates[end] for end in ends)
    assert fates["duplicates"] == truth["duplicates"]


def counted(bad: dict[str, int]) -> Counter[str]:
    """Injected faults by the reason that their dead letters give."""
    reasons: Counter[str] = Counter()
    for fault, n in bad.items():
        reasons[REASON[fault]] += n
    return reasons
