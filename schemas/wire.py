"""Messages on the wire: a zero byte, the writer's schema id in four bytes (big endian), the Avro body.

In: records as dicts, with times as int64 microseconds UTC and dates as int days since 1970-01-01.
Out: bytes, and back. This file must not know Kafka, nor where schemas are kept: a `lookup` gives the schema of an id.
It reads one message after the other by fastavro; blocks of flat messages go through udfs.decode.

Resolution is Avro's, plus one rule: where our field is in microseconds and the writer's says timestamp-millis or
timestamp-nanos, the value is converted (nanoseconds are floored). Avro itself would take the number as it is.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.read import SchemaResolutionError

from schemas.bounded import least_bytes
from schemas.errors import DataError, DecodeError, SchemaError
from schemas.loader import DEAD_LETTER, TOPICS, load, text

HEAD = struct.Struct(">bI")
MOST_BYTES = 1 << 20
"""Of a message that jobs read from outside; a larger one is refused, and its beginning kept."""
REASONS = ("", "no_magic", "unknown_schema_id", "wrong_schema", "truncated", "trailing_bytes", "bad_value", "too_large")
"""Why a message does not decode: words to count by. The place in this tuple is the code in a block; 0 is fine."""

Record = dict[str, Any]
Schema = Any
Lookup = Callable[[int], Schema]
"""Writer's schema (JSON, as dict) of an id; SchemaError for an id that the registry does not know."""

_NOTES = ("logicalType", "__fastavro_parsed", "__named_schemas")
_MICROS = {"timestamp-millis": Fraction(1000), "timestamp-nanos": Fraction(1, 1000)}


def encoder(name: str, schema_id: int) -> Callable[[Record], bytes]:
    """A function from record to message for one topic. Fields with defaults may be left out; others are a DataError."""
    head, schema = HEAD.pack(0, schema_id), load(name)

    def encode_one(record: Record) -> bytes:
        out = BytesIO()
        out.write(head)
        try:
            schemaless_writer(out, schema, record, strict_allow_default=True)
        except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            raise DataError(f"not a record of {name}: {error}", hint="see its fields in schemas/") from error
        return out.getvalue()

    return encode_one


def encode(name: str, schema_id: int, record: Record) -> bytes:
    """One record of a topic as a message. For many records take an `encoder`."""
    return encoder(name, schema_id)(record)


def decode(message: bytes, lookup: Lookup, name: str | None = None) -> Record:
    """The record of a message in our schema of that name; without one, in ours of the writer's record name.

    DecodeError: `what` is one of REASONS. What the lookup raises besides SchemaError passes through.
    """
    return _resolution(lookup, schema_id(message), name).read(message[HEAD.size :])


def schema_id(message: bytes) -> int:
    """The writer's schema id of a message; DecodeError("no_magic") if it is not framed."""
    if len(message) < HEAD.size or message[0] != 0:
        raise DecodeError("no_magic", where=f"a message of {len(message)} bytes")
    return int(HEAD.unpack_from(message)[1])


def record_name(schema: Schema) -> str:
    """Unqualified name of a record schema ("Price"), by which Avro matches records; "" for anything else."""
    return str(schema.get("name", "")).rpartition(".")[2] if isinstance(schema, dict) else ""


def plain(schema: Schema) -> Schema:
    """The schema without logical types (and fastavro's notes), so that times are read as the integers that they are."""
    if isinstance(schema, list):
        return [plain(branch) for branch in schema]
    if isinstance(schema, dict):
        return {key: plain(value) for key, value in schema.items() if key not in _NOTES}
    return schema


@dataclass(frozen=True)
class Resolution:
    """How bodies of one writer's schema are read as records of ours."""

    writer: Schema
    reader: Schema
    units: dict[str, Fraction]
    """What the numbers of a field are multiplied with, where that is not 1."""

    def read(self, body: bytes) -> Record:
        """The record of an Avro body; DecodeError with one of REASONS if there is none, or not only one."""
        stream = _Body(body)
        try:
            record: Any = schemaless_reader(stream, self.writer, self.reader)
        except Exception as error:  # fastavro meets corrupt bytes with any error that Python has, ours included
            reason = "wrong_schema" if isinstance(error, SchemaResolutionError) else "bad_value"
            raise DecodeError(
                "truncated" if stream.ended else reason, where=f"a body of {len(body)} bytes", hint=str(error)
            ) from error
        if stream.tell() != len(body):
            raise DecodeError("trailing_bytes", where=f"{len(body) - stream.tell()} after a record")
        for field, factor in self.units.items():
            if record[field] is not None:
                record[field] = record[field] * factor.numerator // factor.denominator
        return record  # type: ignore[no-any-return]


class _Body(BytesIO):
    """Bytes that refuse to be read beyond their end: fastavro takes what there is, and skips over nothing at all."""

    ended = False

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.ended = len(data) < (size or 0)
        if self.ended or (size or 0) < 0:
            raise EOFError(f"{size} bytes wanted, {len(data)} left")
        return data


@lru_cache(maxsize=256)
def _resolution(lookup: Lookup, writer_id: int, name: str | None) -> Resolution:
    try:
        writer = lookup(writer_id)
    except SchemaError as error:
        raise DecodeError("unknown_schema_id", where=f"schema id {writer_id}", hint=error.what) from error
    names = [name] if name else [*TOPICS, DEAD_LETTER]
    reader = next((ours for ours in names if record_name(load(ours)) == record_name(writer)), names[0])
    try:
        return resolve(writer, json.loads(text(reader)))
    except SchemaError as error:
        raise DecodeError("wrong_schema", where=f"schema id {writer_id}", hint=error.what) from error


def resolve(writer: Schema, reader: Schema) -> Resolution:
    """How records of a writer's schema are read in ours (both JSON); SchemaError if it is another record."""
    if record_name(writer) != record_name(reader):
        raise SchemaError(f"a record {record_name(writer)!r} is not a {record_name(reader)}")
    try:
        parsed = parse_schema(plain(writer))
        least_bytes(parsed)
        return Resolution(parsed, parse_schema(plain(reader)), _units(writer, reader))
    except Exception as error:  # whatever a stranger registered must not stop us
        raise SchemaError(f"the writer's schema of {record_name(reader)} cannot be used: {error}") from error


def _units(writer: Schema, reader: Schema) -> dict[str, Fraction]:
    times = {field["name"] for field in reader["fields"] if _logical(field["type"]) == "timestamp-micros"}
    written = {field["name"]: _logical(field["type"]) for field in writer["fields"] if field["name"] in times}
    return {name: _MICROS[unit] for name, unit in written.items() if unit in _MICROS}


def _logical(schema: Schema) -> str:
    branches = schema if isinstance(schema, list) else [schema]
    return next((branch["logicalType"] for branch in branches if "logicalType" in branch), "")
