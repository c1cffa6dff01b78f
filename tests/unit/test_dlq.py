"""Letters and marks, files of letters, and what may go back: no broker needed."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from jobs.runtime.dead_letters import BUNDLE_BYTES, DeadLetters, bundles, unbundle
from schemas.errors import ConfigError, DataError, SchemaError
from schemas.settings import settings
from schemas.wire import HEAD, MOST_BYTES, decode, encode
from tests.fuzz.corpus import Tick, frame
from tests.fuzz.writers import PRICE as SCHEMA
from tickloom import dlq_files as files
from tickloom.dlq_letters import Letter, Letters, queues
from tickloom.dlq_replay import BATCH, BATCH_BYTES, _batches
from tickloom.dlq_rules import Refusal, Rules, oldest
from tickloom.tape.messages import Message

PRICE, NOW_US = "market.price.v1", 1_700_000_000_000_000
GOOD = Tick("AAPL", NOW_US, 10.0, 1.0, 1, "t1")


def lookup(schema_id: int) -> Any:
    if schema_id != 1:
        raise SchemaError("unknown")
    return SCHEMA


def letter(raw: bytes = b"", reason: str = "truncated", topic: str = PRICE, offset: int = 5) -> Letter:
    return Letter((topic, 0, offset), "decode", reason, "", raw, 1_000)


def said(offset: int, stage: str = "decode") -> dict[str, Any]:
    words = {"stage": stage, "reason": "truncated", "detail": "", "raw": b"x"}
    return {"topic": PRICE, "partition": 0, "offset": offset} | words


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    found = Rules(settings(), 7, NOW_US - 1_000_000)
    monkeypatch.setattr(found, "_lookup", lookup)
    return found


def price(**changed: Any) -> bytes:
    return frame(1) + GOOD._replace(**changed).body()


def test_what_is_left_is_letters_without_a_mark_in_any_order() -> None:
    letters = Letters("q")
    for record in (said(2, "replay"), said(1), said(2), said(3), said(3)):
        letters.add(record, 7)
    assert [each.place[2] for each in letters.left] == [1, 3]
    assert len(letters.all) == 3


def test_topics_are_named_with_or_without_their_suffix() -> None:
    assert queues("market.price.v1") == queues("market.price.v1.dlq") == ["market.price.v1.dlq"]
    assert queues("market.price.v1.late") == ["market.price.v1.late.dlq"]
    assert "scoring.request.v1.dlq" in queues()
    with pytest.raises(ConfigError, match="did you mean"):
        queues("market.prices.v1")


def test_a_good_price_goes_back_as_jobs_want_it(rules: Rules) -> None:
    raw = price()
    assert rules.message(letter(raw), raw) == Message(raw, b"AAPL", 5, NOW_US // 1000)
    beat = frame(1) + Tick("", NOW_US, 0.0, 0.0, 0, "", 3).body()
    assert rules.message(letter(), beat)[1:3] == (b"", 0)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no_magic"),
        (price()[:-1], "truncated"),
        (frame(2) + GOOD.body(), "unknown_schema_id"),
        (price(price=-1.0), "price_not_positive"),
        (price(symbol=""), "empty_symbol"),
        (price(symbol="X" * 256), "symbol_too_long"),
        (price(event_time=NOW_US - 1_000_001), "beyond_horizon"),
        (price(event_time=2**62), "event_time_gap"),
        (price() + bytes(MOST_BYTES), "too_large"),
    ],
)
def test_what_would_be_a_letter_again_stays(rules: Rules, raw: bytes, reason: str) -> None:
    with pytest.raises(Refusal) as refused:
        rules.message(letter(), raw)
    assert refused.value.reason == reason


def test_the_beginning_of_a_large_message_does_not_go_back_for_it(rules: Rules) -> None:
    with pytest.raises(Refusal, match="too_large"):
        rules.message(letter(price(), "too_large"), price())
    assert rules.message(letter(price(), "too_large"), price(size=2.0))


def test_no_job_reads_every_topic(rules: Rules) -> None:
    with pytest.raises(Refusal, match="no_reader"):
        rules.message(letter(topic="market.bar.v1"), price())


def test_the_horizon_is_that_of_the_shortest_bars() -> None:
    bars = [{"interval": "1h", "event_time": 5_000}, {"interval": "1m", "event_time": 9_000_000_000}]
    assert oldest(bars, 101) == 9_000_000_000 - 90 * 60_000_000
    assert oldest([], 101) == 0


@pytest.mark.parametrize("name", ["letters.jsonl", "letters.parquet"])
def test_a_file_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    letters = [letter(price(), offset=1), letter(b"\xff\0", offset=2)]
    assert files.write(tmp_path / name, letters, lookup) == 2
    rows = files.read(tmp_path / name)
    assert [rows[each.place]["raw"] for each in letters] == [each.raw for each in letters]
    assert rows[letters[0].place]["record"]["symbol"] == "AAPL"
    assert rows[letters[1].place]["record"] is None
    for each in letters:
        assert files.repaired(each, rows[each.place], lookup, {PRICE: 1}) == each.raw


def test_an_edited_record_goes_before_the_raw_bytes(tmp_path: Path) -> None:
    one = letter(price(price=float("nan")))
    files.write(tmp_path / "a.jsonl", [one], lookup)
    row = json.loads((tmp_path / "a.jsonl").read_text())
    row["record"]["price"] = 3.5
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    mended = files.repaired(one, files.read(tmp_path / "a.jsonl")[one.place], lookup, {PRICE: 1})
    assert decode(mended, lookup)["price"] == 3.5
    row["record"] = None
    row["raw"] = base64.b64encode(b"new").decode()
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    assert files.repaired(one, files.read(tmp_path / "a.jsonl")[one.place], lookup, {PRICE: 1}) == b"new"


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"topic": "t", "partition": 0}', '{"topic":"t","partition":0,"offset":1,"raw":"?"}']
)
def test_another_file_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(text)
    with pytest.raises(DataError, match="letter"):
        files.read(tmp_path / "a.jsonl")
    with pytest.raises(DataError, match="no format"):
        files.write(tmp_path / "a.csv", [], lookup)


def test_a_transaction_is_bounded_by_records_and_bytes() -> None:
    pairs = [(letter(), Message(b"x", b"", 0, 0))] * (BATCH + 1)
    assert [len(each) for each in _batches(pairs)] == [BATCH, 1]
    large = [(letter(), Message(bytes(BATCH_BYTES // 2), b"", 0, 0))] * 3
    assert [len(each) for each in _batches(large)] == [2, 1]


def test_letters_travel_in_bundles_of_some_size() -> None:
    letters = [b"", b"a" * 10, bytes(BUNDLE_BYTES), b"b"]
    found = list(bundles(letters))
    assert len(found) == 2
    assert [each for bundle in found for each in unbundle(bundle)] == letters
    assert list(bundles([])) == []


def test_of_a_message_that_is_too_large_the_beginning_is_kept() -> None:
    dead = DeadLetters(PRICE, 7)
    whole, cut = bytes(MOST_BYTES), bytes(MOST_BYTES + 1)
    at = {"partition": 1, "offset": 2}
    assert len(dead.message(whole, at, "no_magic", "decode")) > MOST_BYTES
    record = encode("dead_letter.v1", 7, {"raw": whole, "topic": PRICE, **at, "reason": "too_large", "stage": "decode",
                    "detail": "only the first 1048576 bytes; the whole message is at its place"})  # fmt: skip
    assert dead.message(cut, at, "too_large", "decode") == record
    assert record[: HEAD.size] == HEAD.pack(0, 7)
