"""What must become of a message of market.price.v1: Avro's rules and the validation's, written anew and slowly.

Strict as the compiled decoder says that it is: 64 bits an integer (int: 32), booleans 0 and 1, branches and symbols
that exist, text that is UTF-8, nothing left over.
"""

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.oracles.bars import Record

KINDS = ("TRADE", "CANCEL", "CORRECT", "HEARTBEAT")
BLOCK_US, MAX_GAP_US = 1_000_000, 5_000_000
LONGEST_SYMBOL, MOST_BYTES = 255, 1_048_576
OURS = {"symbol": "", "event_time": 0, "price": 0.0, "size": 0.0, "sequence": 0, "trade_id": "", "kind": "TRADE"}
NEEDED = ("symbol", "event_time", "price", "size", "sequence")


class BadError(Exception):
    """A word of schemas.wire.REASONS or udfs.validate.REASONS."""


@dataclass
class Reader:
    """A body that is read from its beginning."""

    body: bytes
    at: int = 0
    wanted: bool = True
    """Not so within arrays, which are passed over: text there may be anything."""

    def take(self, size: int) -> bytes:
        """The next bytes."""
        if size < 0:
            raise BadError("bad_value")
        if size > len(self.body) - self.at:
            raise BadError("truncated")
        self.at += size
        return self.body[self.at - size : self.at]

    def integer(self, bits: int = 64) -> int:
        """A zigzag number."""
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            if byte < 128:
                if value >= 1 << 64:
                    break
                value = value >> 1 ^ -(value & 1)
                if not -(1 << bits - 1) <= value < 1 << bits - 1:
                    break
                return value
        raise BadError("bad_value")

    def value(self, schema: Any) -> Any:
        """A value of a writer's schema."""
        if isinstance(schema, list):
            return self.value(schema[self.index(len(schema))])
        kind = schema["type"] if isinstance(schema, dict) else schema
        if kind == "enum":
            return schema["symbols"][self.index(len(schema["symbols"]))]
        if kind == "record":
            return {field["name"]: self.value(field["type"]) for field in schema["fields"]}
        if kind == "array":
            return self.array(schema["items"])
        return self.primitive(kind) if isinstance(kind, str) else self.value(kind)

    def index(self, length: int) -> int:
        """A number below a length."""
        index = self.integer()
        if not 0 <= index < length:
            raise BadError("bad_value")
        return index

    def array(self, items: Any) -> list[Any]:
        """Blocks of items; one with a negative count has its size behind it, and is passed over: nobody wants it."""
        found = []
        while count := self.integer():
            if count < 0:
                self.take(self.integer())
            self.wanted = False
            found += [self.value(items) for _ in range(count)]
            self.wanted = True
        return found

    def primitive(self, kind: str) -> Any:
        """A number or a text."""
        if kind in {"int", "long"}:
            return self.integer(32 if kind == "int" else 64)
        if kind in {"float", "double"}:
            size, form = (4, "<f") if kind == "float" else (8, "<d")
            return struct.unpack(form, self.take(size))[0]
        if kind == "null":
            return None
        assert kind == "string", kind
        data = self.take(self.integer())
        try:
            return data.decode() if self.wanted else ""
        except UnicodeDecodeError:
            raise BadError("bad_value") from None


def verdict(value: bytes | None, time_ms: int, writers: Mapping[int, Any]) -> Record | tuple[str, str]:
    """The tick of a message with this record time, else (stage, reason) of its dead letter.

    writers: schemas by id, None for one that nobody can read as a price.
    """
    try:
        fields = _fields(value, writers)
    except BadError as bad:
        return "decode", str(bad)
    try:
        _check(fields, time_ms)
    except BadError as bad:
        return "validate", str(bad)
    return Record(**fields)


def _fields(value: bytes | None, writers: Mapping[int, Any]) -> dict[str, Any]:
    if value is not None and len(value) > MOST_BYTES:
        raise BadError("too_large")
    if value is None or len(value) < 5 or value[0]:
        raise BadError("no_magic")
    writer_id = int.from_bytes(value[1:5], "big")
    if writer_id not in writers:
        raise BadError("unknown_schema_id")
    if (schema := writers[writer_id]) is None:
        raise BadError("wrong_schema")
    reader = Reader(value[5:])
    found = reader.value(schema)
    if reader.at != len(reader.body):
        raise BadError("trailing_bytes")
    fields = {name: found.get(name, default) for name, default in OURS.items()}
    return fields | {"kind": KINDS.index(fields["kind"])}


def _check(fields: Mapping[str, Any], time_ms: int) -> None:
    start = time_ms * 1000 // BLOCK_US * BLOCK_US
    if not start - MAX_GAP_US <= fields["event_time"] < start + BLOCK_US + MAX_GAP_US:
        raise BadError("event_time_gap")
    kind = KINDS[fields["kind"]]
    if kind == "HEARTBEAT":
        return
    if not fields["symbol"]:
        raise BadError("empty_symbol")
    if len(fields["symbol"].encode()) > LONGEST_SYMBOL:
        raise BadError("symbol_too_long")
    if kind == "CANCEL":
        return
    if not math.isfinite(fields["price"]):
        raise BadError("price_not_finite")
    if fields["price"] <= 0:
        raise BadError("price_not_positive")
    if not (math.isfinite(fields["size"]) and fields["size"] >= 0):
        raise BadError("size_not_valid")
