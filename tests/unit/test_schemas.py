"""The contracts: what is in them, and records on the wire and back."""

import json
from typing import Any

import pytest

from schemas.errors import DataError, DecodeError, SchemaError
from schemas.loader import DEAD_LETTER, TOPICS, load, text
from schemas.wire import HEAD, REASONS, decode, encode, encoder

ALL = (*TOPICS, DEAD_LETTER)
PRICE: dict[str, Any] = {"symbol": "A", "event_time": 1_700_000_000_000_000, "price": 1.5, "size": 2.0, "sequence": 9}
PRICE_DEFAULTS = {"trade_id": "", "kind": "TRADE", "venue": None, "conditions": None}
ACTION: dict[str, Any] = {
    "event_id": "e", "version": 1, "function": "NEW", "symbol": "A", "action_type": "SPLIT", "ex_date": 12_000,
    "known_at": 5,
}  # fmt: skip
FRAME: dict[str, Any] = {
    "view": "indicators_1d", "interval": "1d", "shard": 3, "event_time": 7, "known_at": 8, "revision": 1,
    "symbols": ["A", "B"], "doubles": [{"name": "sma_20", "values": [1.0, 2.0]}],
    "strings": [{"name": "peer_60", "values": ["B", "A"]}],
}  # fmt: skip


def changed(name: str, **types: Any) -> dict[str, Any]:
    """A schema of ours with other types of some fields; None drops one, a new name adds one."""
    schema: dict[str, Any] = json.loads(text(name))
    fields = {field["name"]: field for field in schema["fields"]}
    fields |= {field: {"name": field, "type": kind} for field, kind in types.items()}
    return schema | {"fields": [field for field in fields.values() if field["type"] is not None]}


SCHEMAS = {
    1: json.loads(text("market.price.v1")),
    2: json.loads(text("market.corporate_action.v1")),
    3: json.loads(text("feature.frame.v1")),
    4: changed("market.price.v1", event_time={"type": "long", "logicalType": "timestamp-millis"}),
    5: changed("market.price.v1", event_time={"type": "long", "logicalType": "timestamp-nanos"}),
    6: changed("market.price.v1", price="string"),
    7: changed("market.price.v1", symbol=None),
    8: {"type": "record", "name": "Stranger", "fields": []},
    9: "a stranger's text",
    10: {"type": "record", "name": "Price", "fields": [{"name": "x", "type": "no type"}]},
}


def lookup(schema_id: int) -> Any:
    if schema_id not in SCHEMAS:
        raise SchemaError("unknown")
    return SCHEMAS[schema_id]


def test_topics_are_the_files() -> None:
    assert len(TOPICS) == 6
    assert [load(name)["type"] for name in ALL] == ["record"] * 7


def test_an_unknown_topic_is_answered_with_the_nearest() -> None:
    with pytest.raises(SchemaError, match=r"did you mean 'market\.price\.v1'"):
        load("market.prize.v1")


@pytest.mark.parametrize("name", ALL)
def test_fields_that_may_be_null_are_null_by_default(name: str) -> None:
    for field in load(name)["fields"]:
        assert not isinstance(field["type"], list) or (field["type"][0] == "null" and field["default"] is None)


def test_codes_of_kinds_are_fixed() -> None:
    kind = next(field for field in load("market.price.v1")["fields"] if field["name"] == "kind")
    assert kind["type"]["symbols"] == ["TRADE", "CANCEL", "CORRECT", "HEARTBEAT"]


@pytest.mark.parametrize(
    ("name", "schema_id", "record", "defaults"),
    [
        ("market.price.v1", 1, PRICE, PRICE_DEFAULTS),
        ("market.price.v1", 1, PRICE | {"kind": "CANCEL", "trade_id": "t", "venue": "XNYS", "conditions": "é"}, {}),
        ("market.corporate_action.v1", 2, ACTION, {
            "numerator": 1, "denominator": 1, "cash_amount": None, "currency": None, "other_symbol": None,
            "subscription_price": None, "status": "FINAL", "mic": None}),
        ("feature.frame.v1", 3, FRAME, {"removed": []}),
    ],
)  # fmt: skip
def test_a_record_comes_back_with_its_defaults(
    name: str, schema_id: int, record: dict[str, Any], defaults: dict[str, Any]
) -> None:
    message = encode(name, schema_id, record)
    assert message[:5] == HEAD.pack(0, schema_id)
    assert encoder(name, schema_id)(record) == message
    assert decode(message, lookup) == decode(message, lookup, name) == record | defaults


@pytest.mark.parametrize(
    "record",
    [PRICE | {"prize": 1.0}, {"symbol": "A"}, PRICE | {"price": "dear"}, PRICE | {"kind": "GIFT"}, {}],
    ids=["extra field", "missing field", "wrong type", "unknown symbol", "nothing"],
)
def test_what_is_no_record_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=r"not a record of market\.price\.v1"):
        encode("market.price.v1", 1, record)


GOOD = encode("market.price.v1", 1, PRICE)
BODY = GOOD[5:]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"", "no_magic"),
        (GOOD[:4], "no_magic"),
        (b"\1" + GOOD[1:], "no_magic"),
        (HEAD.pack(0, 99) + BODY, "unknown_schema_id"),
        (encode("market.corporate_action.v1", 2, ACTION), "wrong_schema"),
        *((HEAD.pack(0, writer) + BODY, "wrong_schema") for writer in (6, 7, 8, 9, 10)),
        (GOOD[:-1], "truncated"),
        (GOOD[:7], "truncated"),
        (GOOD[:5] + b"\x80", "truncated"),
        (GOOD + b"\0", "trailing_bytes"),
        (GOOD.replace(b"\2A", b"\2\xff"), "bad_value"),
        (GOOD[:-3] + b"\x08" + GOOD[-2:], "bad_value"),
        (GOOD[:5] + b"\1" + GOOD[6:], "bad_value"),
    ],
)
def test_a_bad_message_has_a_reason(message: bytes, reason: str) -> None:
    assert reason in REASONS
    with pytest.raises(DecodeError) as error:
        decode(message, lookup, "market.price.v1")
    assert error.value.what == reason


@pytest.mark.parametrize(
    ("writer", "number", "micros"), [(1, 1_001, 1_001), (4, 1_001, 1_001_000), (5, 1_999, 1), (5, -1, -1)]
)
def test_times_arrive_in_microseconds(writer: int, number: int, micros: int) -> None:
    message = HEAD.pack(0, writer) + encode("market.price.v1", 1, PRICE | {"event_time": number})[5:]
    assert decode(message, lookup)["event_time"] == micros


def test_a_registry_that_is_down_says_nothing_about_a_message() -> None:
    def down(schema_id: int) -> Any:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        decode(GOOD, down)
