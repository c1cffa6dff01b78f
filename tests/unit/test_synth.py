"""Synthetic tapes: splits move prices, bad messages are bad as they say, wrong options are refused."""

import json
from collections import Counter
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from schemas.errors import ConfigError, DecodeError, SchemaError
from schemas.loader import text
from schemas.wire import HEAD, decode
from tests.oracles import synth as oracle
from tickloom.synth import synth, write_tape
from tickloom.tape.events import CANCELLED, FINAL, PROVISIONAL
from tickloom.tape.files import read_actions
from tickloom.tape.poison import FUTURE_US, REASONS
from tickloom.tape.spec import MIDNIGHT, Spec

SPEC: dict[str, Any] = {"symbols": 4, "ticks": 2_000, "seed": 3, "interval_us": 60_000_000, "rate": 10.0,
                        "bound_us": 2_000_000, "delay_us": 1_000_000}  # fmt: skip
EX = datetime.fromtimestamp(MIDNIGHT / 1e6, UTC)


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty events on twenty securities, all at the midnight in the middle."""
    folder = tmp_path_factory.mktemp("tape")
    write_tape(Spec(**SPEC | {"symbols": 20, "ticks": 10_000}, actions=20), 1_000_000, folder)
    return folder


def test_prices_and_sizes_change_units_at_the_ex_date_of_a_split(tape: Path) -> None:
    announced = read_actions(tape / "actions.parquet")
    rows = pq.read_table(tape / "ticks.parquet").to_pylist()
    moved = set()
    for action in oracle.happened(announced):
        ratio = action["numerator"] / action["denominator"]
        assert action["ex_date"] * 86_400_000_000 == MIDNIGHT
        assert (ratio > 1) == (action["action_type"] == "SPLIT")
        assert (ratio < 1) == (action["action_type"] == "REVERSE_SPLIT")
        before, after = (
            [row["price"] for row in rows if row["symbol"] in names and (row["event_time"] >= EX) == later]
            for names, later in (({action["symbol"]}, False), ({action["symbol"], action.get("other_symbol")}, True))
        )
        assert before[-1] / after[0] == pytest.approx(ratio, rel=0.01)
        moved.add(action["action_type"])
        if action["action_type"] == "CASH_DIVIDEND":
            assert 0.0008 < action["cash_amount"] / before[-1] < 0.011
    assert moved == {"SPLIT", "REVERSE_SPLIT", "CASH_DIVIDEND", "SYMBOL_CHANGE"}


def test_what_is_called_off_moves_nothing_and_what_was_provisional_has_other_terms(tape: Path) -> None:
    versions: dict[str, list[dict[str, Any]]] = {}
    for action in read_actions(tape / "actions.parquet"):  # by known_at
        versions.setdefault(str(action["event_id"]), []).append(action)
    pairs = [pair for pair in versions.values() if len(pair) > 1]
    assert len(versions) == 20
    assert [[record["version"] for record in pair] for pair in pairs] == [[1, 2]] * 2
    stands, falls = sorted(pairs, key=lambda pair: pair[1]["function"] == "CANCEL")
    steps = [("NEW", "PROVISIONAL"), ("REPLACE", "FINAL")]
    assert [(record["function"], record["status"]) for record in stands] == steps
    assert [record["function"] for record in falls] == ["NEW", "CANCEL"]
    terms = ("numerator", "denominator", "cash_amount", "other_symbol")
    assert [stands[0].get(name) for name in terms] != [stands[1].get(name) for name in terms]
    assert [falls[0].get(name) for name in terms] == [falls[1].get(name) for name in terms]
    rows = pq.read_table(tape / "ticks.parquet").to_pylist()
    prices = [row["price"] for row in rows if row["symbol"] == falls[0]["symbol"]]
    assert max(prices) / min(prices) < 1.2


def test_a_tenth_of_the_events_is_heard_of_late(tape: Path) -> None:
    last = {row["event_id"]: row["known_at"] for row in read_actions(tape / "actions.parquet")}
    late = [known_at - MIDNIGHT for known_at in last.values() if known_at > MIDNIGHT]
    assert len(late) == 2
    assert max(late) <= 3 * SPEC["interval_us"]


@pytest.mark.parametrize("seed", range(5))
def test_sixty_splits_and_twentyfive_dividends_of_a_hundred_events(seed: int) -> None:
    events = Spec(**SPEC | {"symbols": 100, "seed": seed}, actions=100).events
    kinds = Counter(event.kind for event in events)
    assert kinds == {"SPLIT": 60, "CASH_DIVIDEND": 25, "SYMBOL_CHANGE": 15}
    assert Counter(event.history for event in events) == {FINAL: 90, PROVISIONAL: 5, CANCELLED: 5}


def test_each_security_has_an_event_before_one_has_two() -> None:
    events = Spec(**SPEC, actions=6).events
    assert {event.security for event in events} == {0, 1, 2, 3}
    assert len(events) == 6


def test_a_second_change_of_ticker_is_not_of_the_same_instant() -> None:
    # one midnight, one security: what changes its ticker at that instant is one event at most
    events = Spec(**SPEC | {"symbols": 1}, actions=40).events
    assert sum(event.kind == "SYMBOL_CHANGE" for event in events) <= 1
    assert {event.symbol for event in events} == {"S000"}


def test_events_after_a_change_of_ticker_name_the_new_one() -> None:
    # a tape of 30 days, a security, an event at most midnights
    spec = Spec(**SPEC | {"symbols": 1, "ticks": 30 * 86_400, "rate": 1.0}, actions=60)
    ticker = "S000"
    assert sum(event.happens and event.kind == "SYMBOL_CHANGE" for event in spec.events) > 1
    for ex_us, group in groupby(spec.events, lambda event: event.ex_us):
        now = list(group)
        assert {event.symbol for event in now} == {ticker}, ex_us
        ticker = max(event.other_symbol for event in now)


def test_bad_messages_are_refused_for_their_reason(tmp_path: Path) -> None:
    def lookup(schema_id: int) -> Any:
        if schema_id != 7:
            raise SchemaError(f"unknown id {schema_id}")
        return json.loads(text("market.price.v1"))

    write_tape(Spec(**SPEC, bad=0.05), 1_000_000, tmp_path)
    rows = pq.read_table(tmp_path / "bad.parquet").to_pylist()
    assert {row["reason"] for row in rows} == set(REASONS)
    for row in rows:
        message = HEAD.pack(0, 7) * row["framed"] + row["payload"]
        match row["reason"]:
            case "random_bytes" | "unknown_schema_id" | "truncated" | "trailing_bytes" as reason:
                with pytest.raises(DecodeError) as error:
                    decode(message, lookup)
                assert error.value.what == {"random_bytes": "no_magic"}.get(reason, reason)
            case "future":
                time = int(row["event_time"].timestamp()) + FUTURE_US // 1_000_000
                assert decode(message, lookup)["event_time"] // 1_000_000 == time
            case _:
                assert not 0 < decode(message, lookup)["price"] < float("inf")


@pytest.mark.parametrize(
    ("option", "value"), [("late", 1.5), ("bad", -0.1), ("rate", 0.0), ("symbols", 0), ("ticks", 0), ("actions", -1)]
)
def test_options_that_make_no_tape(option: str, value: float) -> None:
    with pytest.raises(ConfigError, match=f"--{option}"):
        Spec(**SPEC | {option: value})


def test_the_command_takes_its_bounds_from_the_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    synth(3, 100, 1, tmp_path, interval="1s", rate=10)
    spec = json.loads((tmp_path / "truth.json").read_text())["spec"]
    assert (spec["bound_us"], spec["delay_us"], spec["interval_us"]) == (2_000_000, 3_000_000, 1_000_000)
    assert "100 ticks" in capsys.readouterr().out
