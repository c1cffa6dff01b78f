"""What a replay publishes: order, keys, partitions, times, heartbeats; and how it is named, paced and refused."""

import json
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, DataError, StackError
from schemas.loader import text
from schemas.settings import settings
from schemas.wire import decode
from tests.oracles.kafka import MemoryProducer, MemoryTopic
from tickloom import replay
from tickloom.replay import Order, Replay, closing_time, to_features, to_kafka
from tickloom.synth import write_tape
from tickloom.tape import chunks, publish
from tickloom.tape.files import read_actions
from tickloom.tape.journal import Journal, digest
from tickloom.tape.messages import ACTION, PRICE, Framer, Message, Messages, Mixer, as_known
from tickloom.tape.pace import Pace
from tickloom.tape.poison import BAD
from tickloom.tape.spec import Spec

MINUTE_US = 60_000_000


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tape")
    spec = Spec(5, 3_000, 1, MINUTE_US, 10.0, 2_000_000, 100_000_000, 0.1, 0.1, 0.05, 0.02, 20)
    write_tape(spec, 1_000_000, folder)
    return folder


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, MemoryTopic]:
    """Both topics in memory, a registry with ids 1 and 2, a state folder of the test's own."""
    topics = {name: MemoryTopic(name, 3) for name in (PRICE, ACTION)}
    monkeypatch.setenv("TICKLOOM_HOME", str(tmp_path))
    monkeypatch.setattr(replay, "register", lambda _url: {PRICE: 1, ACTION: 2})
    monkeypatch.setattr(replay, "Topic", lambda _bootstrap, name: topics[name])
    monkeypatch.setattr(publish, "Producer", lambda _config: MemoryProducer(topics.values(), Random(0)))
    return topics


def test_bars_are_published_in_order_with_their_actions(tape: Path, broker: dict[str, MemoryTopic]) -> None:
    to_kafka(Replay([str(tape / "bars.parquet")], tape / "actions.parquet", "1m"), settings())
    bars = pq.read_table(tape / "bars.parquet").num_rows
    announced = pq.read_metadata(tape / "actions.parquet").num_rows
    assert len({message.value for log in broker[ACTION].log for message in log}) == announced
    for partition, log in enumerate(broker[PRICE].log):
        rows = records_of(log)
        times = [row["event_time"] for row in rows]
        assert times == sorted(times)
        assert [message.time_ms for message in log] == [time // 1_000 for time in times]
        assert rows[-1]["kind"] == "HEARTBEAT"
        for message, row in zip(log[:-1], rows[:-1], strict=True):
            assert message.key == row["symbol"].encode()
            assert crc32(message.key) % 3 == partition
    assert sum(map(len, broker[PRICE].log)) == 4 * bars + 3


def records_of(log: list[Message], topic: str = PRICE) -> list[dict[str, Any]]:
    return [decode(message.value, lambda _: json.loads(text(topic))) for message in log]


class OneLog(MemoryTopic):
    """A topic in memory that notes the length of another when it grows."""

    def __init__(self, name: str, other: MemoryTopic) -> None:
        super().__init__(name, 1)
        self.seen: list[int] = []
        topic = self

        class Log(list[Message]):
            def __iadd__(self, more: Any) -> Any:
                topic.seen += [sum(other.ends())] * len(more)
                return super().__iadd__(more)

        self.log = [Log()]


@pytest.mark.parametrize("gated", [True, False])
def test_in_order_of_arrival_an_action_comes_when_it_is_known(
    gated: bool, tape: Path, broker: dict[str, MemoryTopic], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    broker[ACTION] = OneLog(ACTION, broker[PRICE])
    gates: list[tuple[str, int, int]] = []

    def gate(topic: str, count: int) -> None:
        gates.append((topic, count, sum(broker[PRICE].ends())))

    paths, actions = [str(tape / "ticks.parquet")], tape / "actions.parquet"
    to_kafka(Replay(paths, actions, "1m", Order.ARRIVAL), settings(), gate if gated else None)
    times = pq.read_table(tape / "ticks.parquet")["event_time"].cast(pa.int64()).to_numpy() // 1_000
    newest = np.maximum.accumulate(times)
    expected = [int(np.searchsorted(newest, message.time_ms, "right")) for message in broker[ACTION].log[0]]
    assert broker[ACTION].seen == expected
    assert 0 < sum(place > 0 for place in expected) < len(expected)
    if gated:
        assert sorted({there for topic, _, there in gates if topic == ACTION}) == sorted(set(expected))
        assert sum(count for topic, count, _ in gates if topic == ACTION) == len(expected)
        passed = 0
        for topic, count, there in gates:
            assert there == passed
            passed += count * (topic == PRICE)
    heard = records_of(broker[ACTION].log[0], ACTION)
    assert [row["known_at"] for row in heard] == [row["known_at"] for row in read_actions(actions)]


def test_an_action_that_is_known_after_all_ticks_comes_last() -> None:
    ticks, late = Messages([b"t"], [b""], [0], [5]), Messages([b"a", b"b"], [b"", b""], [0, 0], [5, 9])
    found = [(topic, more.values) for topic, more in as_known([ticks], late)]
    assert found == [(PRICE, [b"t"]), (ACTION, [b"a", b"b"])]


def test_arrival_keeps_the_order_of_the_file_and_places_the_bad(tape: Path) -> None:
    paths = [str(tape / name) for name in ("bad.parquet", "ticks.parquet")]
    framer = Framer(1, 3)
    found = Messages()
    for more in Replay(paths, None, "1m", Order.ARRIVAL).tick_messages(framer):
        found += more
    ticks = pq.read_table(tape / "ticks.parquet").to_pylist()
    bad = pq.read_table(tape / "bad.parquet").to_pylist()
    places = {row["position"] + i for i, row in enumerate(bad)}
    good = [i for i in range(len(found)) if i not in places]
    assert len(found) == len(ticks) + len(bad) + 3
    rows = records_of([found[i] for i in good[: len(ticks)]])
    assert [(row["trade_id"], row["kind"]) for row in rows] == [(row["trade_id"], row["kind"]) for row in ticks]
    for place, row in zip(sorted(places), bad, strict=True):
        assert found[place].value.endswith(row["payload"])
        assert found[place].time_ms == int(row["event_time"].timestamp() * 1000)


def test_event_order_is_one_order_over_all_files(tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK_ROWS", 100)
    table = pq.read_table(tape / "ticks.parquet")
    pq.write_table(table.filter([i % 3 == 0 for i in range(len(table))]), tmp_path / "a", row_group_size=50)
    pq.write_table(table.filter([i % 3 != 0 for i in range(len(table))]), tmp_path / "b")
    parts = list(chunks.by_event_time([str(tmp_path / "a"), str(tmp_path / "b")], MINUTE_US))
    found = pa.concat_tables(parts)
    assert len(parts) > 10
    assert found["event_time"].to_pylist() == sorted(table["event_time"].cast(pa.int64()).to_pylist())
    assert sorted(zip(*(found[name].to_pylist() for name in ("trade_id", "symbol", "price")), strict=True)) == sorted(
        zip(*(table[name].to_pylist() for name in ("trade_id", "symbol", "price")), strict=True)
    )


def test_bad_messages_need_the_order_of_arrival(tape: Path) -> None:
    paths = [str(tape / name) for name in ("ticks.parquet", "bad.parquet")]
    with pytest.raises(ConfigError, match="--order arrival"):
        next(Replay(paths, None, "1m").tick_messages(Framer(1, 1)))


def test_a_complete_replay_leaves_no_journal(tape: Path, broker: dict[str, MemoryTopic], tmp_path: Path) -> None:
    job = Replay([str(tape / "bars.parquet")], None, "1m")
    to_kafka(job, settings())
    first = [list(log) for log in broker[PRICE].log]
    assert list((tmp_path / "replay").iterdir()) == []
    to_kafka(job, settings())
    assert broker[PRICE].log == [log * 2 for log in first]


@pytest.mark.parametrize(
    ("newest", "interval", "closing"),
    [(0, 60, 62), (59, 60, 62), (60, 60, 122), (86_399, 86_400, 86_402), (86_400, 86_400, 172_802)],
)
def test_the_heartbeat_closes_the_last_bar(newest: int, interval: int, closing: int) -> None:
    second = 1_000_000
    bars = settings().bars.model_copy(update={"lateness": "1s", "block": "1s"})
    assert closing_time(newest * second, interval * second, bars) == closing * second


def test_mixer_places() -> None:
    rows = [
        {"position": p, "symbol": "A", "event_time": 0, "payload": b"%d" % p, "framed": False} for p in (4, 0, 2, 2)
    ]
    mixer = Mixer(pa.Table.from_pylist(rows, BAD).sort_by("position"), Framer(1, 1))
    tick = Messages([b"t"], [b""], [0], [0])
    found = [mixer.mix(tick + tick).values, mixer.mix(tick).values, mixer.mix(tick).values, mixer.rest().values]
    assert found == [[b"0", b"t", b"t"], [b"2", b"2", b"t"], [b"t"], [b"4"]]


def test_pace_lets_event_time_run_n_times_as_fast() -> None:
    # event time 0 ms, 100, 400, 50 (late), 800 at 10 times real time: due at 0 ms, 10, 40, 40, 80
    now, waits = [100.0], []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    pace = Pace(10, lambda: now[0], sleep)
    times = [0, 100, 400, 50, 800]
    parts = [part.times_ms for part in pace.parts(Messages([b""] * 5, [b""] * 5, [0] * 5, times))]
    assert parts == [[0, 100], [400, 50], [800]]
    assert waits == pytest.approx([0, 0.04, 0.04])
    assert [part.times_ms for part in pace.parts(Messages([b""], [b""], [0], [300]))] == [[300]]
    assert now[0] == pytest.approx(100.08)  # it is due with the newest before it


def test_the_journal_keeps_the_first_ends_and_one_run(tmp_path: Path) -> None:
    with Journal(tmp_path / "replay", "x") as journal:
        assert not journal.resumed
        assert journal.begin(lambda: {"t": [1, 2]}) == {"t": [1, 2]}
        with pytest.raises(StackError, match="running already"), Journal(tmp_path / "replay", "x"):
            pass
    with Journal(tmp_path / "replay", "x") as journal:
        assert journal.resumed
        assert journal.begin(lambda: {"t": [9, 9]}) == {"t": [1, 2]}
        journal.complete()
    with Journal(tmp_path / "replay", "x") as journal:
        assert not journal.resumed


def test_another_input_or_option_is_another_replay(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    a, b = tmp_path / "a", tmp_path / "b"
    names = [digest([a, b], "x"), digest([b, a], "x"), digest([a], "x"), digest([a, b], "y"), digest([a, b], "x", "")]
    assert len(set(names)) == len(names)
    first = digest([a], "x")
    a.write_text("3")
    assert digest([a], "x") != first


@pytest.mark.parametrize("option", [{"speed": 2.0}, {"order": Order.ARRIVAL}])
def test_features_take_no_option_without_effect(option: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="are for Kafka"):
        to_features(Replay(["bars.parquet", "out.parquet"], None, "1d", **option), 1)


def test_features_are_never_written_over_an_input(tape: Path) -> None:
    for paths in (["bars.parquet"], ["bars.parquet", "ticks.parquet"]):
        with pytest.raises(DataError, match=r"OUT\.parquet"):
            to_features(Replay([str(tape / path) for path in paths], None, "1d"), 1)
