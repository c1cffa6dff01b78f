"""Blocks of messages into columns: what each kind of message becomes, beside good neighbours."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from schemas.errors import SchemaError, StackError
from schemas.loader import load
from schemas.wire import HEAD, MOST_BYTES, encode
from tests.oracles import avro
from udfs.decode import REASONS, Decoder
from udfs.decode.symbols import dictionary
from udfs.fnv import fnv1a

NAME = "market.price.v1"
COLUMNS = ("symbol", "event_time", "price", "size", "sequence", "trade_id", "kind", "venue", "conditions")
PRICE = {"symbol": "AAPL", "event_time": 1_700_000_000_000_000, "price": 1.5, "size": 2.0, "sequence": 9}
OTHER = PRICE | {"symbol": "Ärger", "trade_id": "t-1", "kind": "CORRECT", "venue": "XNYS"}
ACTION = {
    "event_id": "e", "version": 1, "function": "NEW", "symbol": "A", "action_type": "SPLIT", "ex_date": 12_000,
    "known_at": 5,
}  # fmt: skip
MILLIS = {"type": "long", "logicalType": "timestamp-millis"}


def price(**types: Any) -> avro.Schema:
    """Our price schema with other types of some fields; None drops one, a new name adds one."""
    fields = {field["name"]: field for field in load(NAME)["fields"]}
    fields |= {field: {"name": field, "type": kind} for field, kind in types.items()}
    return {"type": "record", "name": "Price", "fields": [f for f in fields.values() if f["type"] is not None]}


WRITERS = {
    1: load(NAME),
    2: load("market.corporate_action.v1"),
    3: price(event_time=MILLIS, trade_id=None, kind=None, venue=None, conditions=None, extra="string"),
    4: price(event_time=["null", MILLIS], price="float", size="int", tags={"type": "array", "items": "string"}),
    5: price(price="string"),
    6: price(symbol=None),
    7: price(kind={"type": "enum", "name": "Kind", "symbols": ["BUST", "CANCEL"]}),
    8: price(symbol=["null", "string"]),
    9: {"type": "enum", "name": "Price", "symbols": ["A"]},
    10: "text",
    11: price(next=["null", "Price"]),
    12: price(none={"type": "array", "items": "null"}),
    13: price(none={"type": "array", "items": {"type": "record", "name": "E", "fields": []}}),
    14: price(legs={"type": "array", "items": "int"}, code={"type": "fixed", "name": "F", "size": 4}),
}


def lookup(schema_id: int) -> Any:
    if schema_id not in WRITERS:
        raise SchemaError("unknown")
    return WRITERS[schema_id]


@pytest.fixture
def decoder() -> Decoder:
    return Decoder(NAME, lookup, COLUMNS)


def by(writer: int, **record: Any) -> bytes:
    return HEAD.pack(0, writer) + avro.write(WRITERS[writer], PRICE | record)


GOOD = encode(NAME, 1, PRICE)
HUGE = b"\xff" * 9 + b"\1"

BAD = [
    (None, "no_magic"),
    (b"", "no_magic"),
    (GOOD[:4], "no_magic"),
    (b"\1" + GOOD[1:], "no_magic"),
    (HEAD.pack(0, 99) + GOOD[5:], "unknown_schema_id"),
    (HEAD.pack(0, 2**32 - 1), "unknown_schema_id"),
    (encode("market.corporate_action.v1", 2, ACTION), "wrong_schema"),
    *((HEAD.pack(0, writer) + GOOD[5:], "wrong_schema") for writer in (5, 6, 9, 10, 11, 12, 13)),
    *((HEAD.pack(0, 14) + GOOD[5:] + rest, "truncated") for rest in (HUGE[:9] + b"\0", b"\0", b"\0\0\0\0", b"\2")),
    (HEAD.pack(0, 11) + GOOD[5:] + b"\2" * 1_000_000, "wrong_schema"),
    (GOOD + bytes(MOST_BYTES), "too_large"),
    (by(7, kind="BUST"), "wrong_schema"),
    (by(8, symbol=None), "wrong_schema"),
    (GOOD[:5], "truncated"),
    (GOOD[:-1], "truncated"),
    (GOOD[:5] + HUGE[:9], "truncated"),
    (GOOD[:5] + b"\xfe" * 9 + b"\1" + GOOD[6:], "truncated"),
    (GOOD + b"\0", "trailing_bytes"),
    (GOOD[:5] + HUGE + GOOD[6:], "bad_value"),
    (GOOD[:10] + b"\xff" * 9 + b"\2" + GOOD[18:], "bad_value"),
    (GOOD[:10] + b"\xff" * 10 + b"\0" + GOOD[18:], "bad_value"),
    (GOOD[:5] + b"\1" + GOOD[6:], "bad_value"),
    (GOOD.replace(b"AAPL", b"AA\xffL"), "bad_value"),
    (GOOD[:-3] + b"\x08" + GOOD[-2:], "bad_value"),
    (GOOD[:-3] + b"\1" + GOOD[-2:], "bad_value"),
    (GOOD[:-2] + b"\4" + GOOD[-1:], "bad_value"),
    (by(3, event_time=2**62, extra=""), "bad_value"),
]


def test_a_bad_message_has_a_reason_and_no_effect(decoder: Decoder) -> None:
    messages = [m for bad, _ in BAD for m in (bad, GOOD)]
    decoded = decoder.decode(messages)
    assert [REASONS[code] for code in decoded.error[::2]] == [reason for _, reason in BAD]
    assert not decoded.error[1::2].any()
    for name, column in decoded.columns.items():
        assert set(column[1::2].tolist()) == {decoder.decode([GOOD]).columns[name][0]}
        assert not column[::2].any()
    assert set(decoded.texts("symbol", range(len(messages)))) == {"", "AAPL"}


def test_columns_have_the_types_of_our_schema(decoder: Decoder) -> None:
    decoded = decoder.decode([encode(NAME, 1, OTHER), GOOD])
    dtypes = {name: column.dtype.str[1:] for name, column in decoded.columns.items()}
    assert dtypes == {
        "symbol": "u8", "event_time": "i8", "price": "f8", "size": "f8", "sequence": "i8", "trade_id": "u8",
        "kind": "i1", "venue": "u8", "conditions": "u8",
    }  # fmt: skip
    assert decoded.columns["symbol"].tolist() == [fnv1a("Ärger"), fnv1a("AAPL")]
    assert decoded.columns["trade_id"].tolist() == [fnv1a("t-1"), fnv1a("")]
    assert decoded.columns["kind"].tolist() == [2, 0]
    assert decoded.columns["venue"].tolist() == [fnv1a("XNYS"), 0]
    assert {name: valid.tolist() for name, valid in decoded.valid.items()} == {
        "venue": [True, False],
        "conditions": [False, False],
    }
    assert decoded.texts("symbol", [1, 0]) == ["AAPL", "Ärger"]
    assert decoded.texts("venue", np.array([0, 1])) == ["XNYS", ""]


def test_writers_of_every_age_share_a_block(decoder: Decoder) -> None:
    """3 is older: milliseconds, fewer fields. 4 goes through fastavro for its tags. 7 has other codes of kinds."""
    decoded = decoder.decode(
        [
            GOOD,
            by(3, event_time=-7, extra="ä"),
            by(4, event_time=7, price=0.5, size=3, tags=["x"]),
            by(7, kind="CANCEL"),
        ]
    )
    assert not decoded.error.any()
    assert decoded.columns["event_time"].tolist() == [PRICE["event_time"], -7_000, 7_000, PRICE["event_time"]]
    assert decoded.columns["price"].tolist() == [1.5, 1.5, 0.5, 1.5]
    assert decoded.columns["size"].tolist() == [2.0, 2.0, 3.0, 2.0]
    assert decoded.columns["kind"].tolist() == [0, 0, 0, 1]
    assert decoded.columns["trade_id"].tolist() == [fnv1a("")] * 4
    assert decoded.texts("symbol", range(4)) == ["AAPL"] * 4
    assert decoded.texts("trade_id", [1]) == [""]


@pytest.mark.parametrize(
    ("body", "reason"),
    [(lambda b: b[:-1], "truncated"), (lambda b: b[:6], "truncated"), (lambda b: b + b"1", "trailing_bytes"),
     (lambda b: b.replace(b"AAPL", b"A\xff\xffL"), "bad_value"), (lambda b: b[:6] + b"A", "truncated"),
     (lambda b: b[:5] + b"\1" + b[6:], "bad_value")],
)  # fmt: skip
def test_fastavro_gives_the_same_reasons(decoder: Decoder, body: Callable[[bytes], bytes], reason: str) -> None:
    decoded = decoder.decode([body(by(4, tags=["x"])), GOOD])
    assert [REASONS[code] for code in decoded.error] == [reason, ""]


def test_a_text_that_the_writer_does_not_have_is_the_default() -> None:
    defaults = [("string", "é"), (["null", "string"], None), (["double", "null"], 0.5), (["null", "double"], None)]
    fields = [
        {"name": n, "type": t, "default": d} for n, (t, d) in zip("abcde", [*defaults, ("boolean", True)], strict=True)
    ]
    reader = {"type": "record", "name": "R", "fields": fields}
    empty = {"type": "record", "name": "R", "fields": []}
    decoded = Decoder(reader, lambda _: empty, ("a", "b", "c", "d", "e")).decode([HEAD.pack(0, 1)])
    assert [decoded.error[0], *decoded.texts("a", [0]), *decoded.texts("b", [0])] == [0, "é", ""]
    assert decoded.columns["a"][0] == fnv1a("é")
    assert [decoded.columns[name][0] for name in "bce"] == [0, 0.5, 1]
    assert np.isnan(decoded.columns["d"][0])
    assert {name: valid[0] for name, valid in decoded.valid.items()} == {"b": False, "c": True, "d": False}


def test_a_long_block_is_the_sum_of_its_messages(decoder: Decoder) -> None:
    """Longer than the chunks of the compiled pass, with errors and nulls on both sides of their borders."""
    kinds = [GOOD, GOOD[:-1], encode(NAME, 1, OTHER), by(3, extra=""), by(4, tags=[])]
    long, each = decoder.decode(kinds * 500), decoder.decode(kinds)
    assert long.error.tolist() == each.error.tolist() * 500
    for name, column in each.columns.items():
        assert long.columns[name].tolist() == column.tolist() * 500
    assert long.valid["venue"].tolist() == each.valid["venue"].tolist() * 500
    assert long.texts("symbol", range(2_500)) == each.texts("symbol", range(5)) * 500


@pytest.mark.parametrize(("limit", "good"), [(2**63 // 1000, True), (2**63 // 1000 + 1, False)])
def test_times_beyond_64_bits_are_refused(decoder: Decoder, limit: int, good: bool) -> None:
    decoded = decoder.decode([by(3, event_time=limit, extra=""), by(3, event_time=-limit, extra="")])
    assert (decoded.error == 0).tolist() == [good, good]
    assert decoded.columns["event_time"].tolist() == [1_000 * limit * good, -1_000 * limit * good]


def test_a_number_has_64_bits_in_ten_bytes(decoder: Decoder) -> None:
    decoded = decoder.decode([GOOD[:10] + b"\xff" * 9 + b"\1" + GOOD[18:], GOOD[:10] + b"\x81\0" + GOOD[18:]])
    assert decoded.columns["event_time"].tolist() == [-(2**63), -1]


def test_joined_bytes_are_read_in_place(decoder: Decoder) -> None:
    data = np.frombuffer(b"xx" + GOOD + GOOD + b"yy", np.uint8)
    starts = 2 + np.array([0, len(GOOD), 2 * len(GOOD)])
    assert decoder.decode_joined(data, starts).texts("symbol", [0, 1]) == ["AAPL", "AAPL"]


def test_an_empty_block_has_empty_columns(decoder: Decoder) -> None:
    decoded = decoder.decode([])
    assert [len(decoded.error), len(decoded.columns["price"]), *decoded.texts("symbol", [])] == [0, 0]


def test_a_writer_is_looked_up_once_but_an_unknown_one_again() -> None:
    asked = []

    def counting(schema_id: int) -> Any:
        asked.append(schema_id)
        return lookup(schema_id)

    decoder = Decoder(NAME, counting, COLUMNS)
    for _ in range(2):
        decoder.decode([GOOD, HEAD.pack(0, 99), HEAD.pack(0, 10), HEAD.pack(0, 99)])
    assert sorted(asked) == [1, 10, 99, 99]


def test_a_registry_that_is_down_is_not_the_messages_fault() -> None:
    def down(schema_id: int) -> Any:
        raise StackError("down")

    with pytest.raises(StackError, match="down"):
        Decoder(NAME, down, COLUMNS).decode([GOOD])


@pytest.mark.parametrize(
    ("name", "column", "hint"),
    [
        (NAME, "prize", "did you mean 'price'"),
        ("market.bar.v1", "open", "'open' cannot be a column: 'array' is not flat"),
        ("dead_letter.v1", "raw", "bytes"),
    ],
)
def test_a_column_must_be_a_flat_field(name: str, column: str, hint: str) -> None:
    with pytest.raises(SchemaError, match=hint):
        Decoder(name, lookup, (column,))


def test_columns_that_are_not_asked_for_change_nothing(decoder: Decoder) -> None:
    messages = [bad for bad, _ in BAD] + [encode(NAME, 1, OTHER)]
    few, all_ = Decoder(NAME, lookup, ("price",)).decode(messages), decoder.decode(messages)
    asked_for_less = [k for k in range(len(messages)) if few.error[k] != all_.error[k]]
    assert [messages[k] for k in asked_for_less] == [by(7, kind="BUST"), by(8, symbol=None)]
    assert few.columns["price"][-1] == OTHER["price"]


@pytest.mark.parametrize("size", [1, 63, 64, 65, 5_000])
def test_dictionary_finds_every_name_once(size: int) -> None:
    rng = np.random.default_rng(size)
    names = [f"S{i}" for i in range(size)]
    picked = rng.integers(0, size, 3 * size)
    hashes = np.array([fnv1a(name) for name in names], np.uint64)[picked]
    found, codes = dictionary(hashes, lambda index: [names[picked[i]] for i in index])
    assert found == sorted({names[i] for i in picked})
    assert [found[code] for code in codes] == [names[i] for i in picked]
    assert codes.dtype == np.int32


def test_hashes_that_share_a_slot_are_told_apart() -> None:
    hashes = np.array([5, 6, 5, 7, 6], np.uint64)  # their upper halves are equal
    assert dictionary(hashes, lambda index: [f"{hashes[i]}" for i in index])[1].tolist() == [0, 1, 0, 2, 1]


def test_a_block_gives_the_names_of_some_rows(decoder: Decoder) -> None:
    decoded = decoder.decode([GOOD, b"", encode(NAME, 1, OTHER), encode(NAME, 1, PRICE | {"symbol": "A"}), GOOD])
    names, codes = decoded.dictionary("symbol", np.flatnonzero(decoded.error == 0))
    assert (names, codes.tolist()) == (["A", "AAPL", "Ärger"], [1, 2, 0, 1])
