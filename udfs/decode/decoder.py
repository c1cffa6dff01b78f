"""Blocks of messages into columns, good ones beside bad ones.

In: the framed Avro messages of one topic, by whatever writers. Out: typed columns and one error code per message.
Flat records take the compiled pass, others are read by fastavro and written again as flat ones, so that there is one
way into the columns. This file must not know Kafka or HTTP: a lookup gives the schema of an id. What the lookup raises
besides SchemaError passes through: a registry that is down says nothing about the messages.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
from fastavro import parse_schema, schemaless_writer
from numpy.typing import NDArray

from schemas.errors import DecodeError, SchemaError
from schemas.loader import text
from schemas.wire import HEAD, REASONS, Lookup, Resolution, Schema, resolve
from udfs.decode import kernel
from udfs.decode.kernel import SIZE, START, VALID, VALUE
from udfs.decode.plan import Columns, NotFlatError, Plan
from udfs.decode.primitives import Bytes, Ints
from udfs.decode.symbols import dictionary

UNKNOWN, WRONG = REASONS.index("unknown_schema_id"), REASONS.index("wrong_schema")
REWRITTEN = -2
"""Stands for the id of a message that was written again."""

FLAT_TYPES = {"f8": "double", "i8": "long", "u8": "string", "i1": "int"}


@dataclass(frozen=True)
class Decoded:
    """The columns of a block of n messages."""

    columns: dict[str, NDArray[Any]]
    """Numbers as int64 or float64, strings as uint64 FNV-1a hashes, booleans and our codes of enums as int8, each [n].
    A null is NaN or 0; a message with an error is all 0."""
    valid: dict[str, NDArray[np.bool_]]
    """For each column that may be null, whether there is a value, [n]."""
    error: NDArray[np.int8]
    """0, or the place in REASONS, [n]."""
    data: Bytes
    places: dict[str, Ints]
    """Where in `data` the strings of a column begin and how long they are, [2, n]; -1: the default."""
    defaults: dict[str, str]

    def texts(self, column: str, index: Sequence[int] | NDArray[np.integer[Any]]) -> list[str]:
        """The strings of a column at some messages; "" for null and for messages with an error."""
        data, default = self.data.data, self.defaults[column]
        starts, sizes = self.places[column][:, np.asarray(index, np.int64)].tolist()
        return [
            str(data[start : start + size], "utf-8") if start >= 0 else default
            for start, size in zip(starts, sizes, strict=True)
        ]

    def dictionary(self, column: str, rows: Ints) -> tuple[list[str], NDArray[np.int32]]:
        """The distinct strings of a column at some messages, ascending, and the place in them of each message."""
        return dictionary(self.columns[column][rows], lambda index: self.texts(column, rows[index]))


class Decoder:
    """Decodes blocks of one topic (or of any reader's schema) into some of its columns. SchemaError: no such column."""

    def __init__(self, reader: str | Schema, lookup: Lookup, columns: tuple[str, ...]) -> None:
        self._reader = json.loads(text(reader)) if isinstance(reader, str) else reader
        self._lookup = lookup
        self._columns = Columns(self._reader, columns)
        self._flat = _flat(self._columns)
        rewritten = Columns(self._flat, columns).plan(resolve(self._flat, self._flat))
        self._readings: dict[int, Plan | Resolution | int] = {REWRITTEN: rewritten}

    def decode(self, messages: Sequence[bytes | None]) -> Decoded:
        """Decodes messages of any kind (None: a message without a value). Never raises for a bad one."""
        try:
            joined = _join(messages)  # type: ignore[arg-type]
        except TypeError:
            joined = _join([message or b"" for message in messages])
        return self.decode_joined(*joined)

    def decode_joined(self, data: Bytes, starts: Ints) -> Decoded:
        """As `decode`; message k is data[starts[k]:starts[k + 1]], starts int64[n + 1]."""
        n, columns = len(starts) - 1, self._columns.wanted
        ids, error = np.empty(n, np.int64), np.zeros(n, np.int8)
        kernel.read_ids(data, starts, ids, error)
        readings = {writer: self._reading(writer) for writer in _distinct(ids)}
        for code in {reading for reading in readings.values() if isinstance(reading, int)}:
            error[np.isin(ids, [writer for writer, reading in readings.items() if reading == code])] = code
        slow = {writer: reading for writer, reading in readings.items() if isinstance(reading, Resolution)}
        if slow:
            data, starts = self._rewrite(data, starts, ids, error, slow)
            readings[REWRITTEN] = self._readings[REWRITTEN]
        cells = np.zeros((len(columns), 4, n), np.int64)
        for writer, reading in readings.items():
            if isinstance(reading, tuple):
                kernel.decode(data, starts, ids, writer, *reading, cells, error)
        return Decoded(
            columns={name: _typed(cells[c.place, VALUE], c.dtype) for name, c in columns.items()},
            valid={name: cells[c.place, VALID].astype(bool) for name, c in columns.items() if c.nullable},
            error=error,
            data=data,
            places={name: cells[c.place, START : SIZE + 1] for name, c in columns.items() if c.dtype == "u8"},
            defaults={name: c.default or "" for name, c in columns.items() if c.dtype == "u8"},
        )

    def _reading(self, writer: int) -> Plan | Resolution | int:
        """How a writer's messages are read: compiled, by fastavro, or not at all (the error's code)."""
        if writer not in self._readings:
            try:
                schema = self._lookup(writer)
            except SchemaError:
                return UNKNOWN  # not kept: the registry may learn it
            self._readings[writer] = self._read_as(schema)
        return self._readings[writer]

    def _read_as(self, schema: Schema) -> Plan | Resolution | int:
        try:
            resolution = resolve(schema, self._reader)
            return self._columns.plan(resolution)
        except NotFlatError:
            return resolution
        except SchemaError:
            return WRONG

    def _rewrite(
        self, data: Bytes, starts: Ints, ids: Ints, error: NDArray[np.int8], slow: dict[int, Resolution]
    ) -> tuple[Bytes, Ints]:
        """The block with the messages of slow writers in flat form; marks them in ids, or their errors."""
        view, bounds = data.tobytes(), starts.tolist()
        parts = [view[start:end] for start, end in pairwise(bounds)]
        for k in np.flatnonzero(np.isin(ids, list(slow))).tolist():
            try:
                record = slow[int(ids[k])].read(parts[k][HEAD.size :])
                parts[k], ids[k] = self._flatten(record), REWRITTEN
            except DecodeError as problem:
                ids[k], error[k] = -1, REASONS.index(problem.what)
        return _join(parts)

    def _flatten(self, record: dict[str, Any]) -> bytes:
        flat = {name: column.code(record[name]) for name, column in self._columns.wanted.items()}
        out = BytesIO()
        out.write(bytes(HEAD.size))
        try:
            schemaless_writer(out, self._flat, flat)
        except (ValueError, OverflowError) as problem:
            raise DecodeError("bad_value", hint=str(problem)) from problem
        return out.getvalue()


def _flat(columns: Columns) -> Schema:
    """The columns as a record without enums, for messages that are written again."""
    fields = []
    for name, column in columns.wanted.items():
        kind = FLAT_TYPES[column.dtype]
        fields.append({"name": name, "type": ["null", kind] if column.nullable else kind})
    return parse_schema({"type": "record", "name": "Flat", "fields": fields})


def _join(parts: Sequence[bytes]) -> tuple[Bytes, Ints]:
    starts = np.zeros(len(parts) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)), out=starts[1:])
    return np.frombuffer(b"".join(parts), np.uint8), starts


def _distinct(ids: Ints) -> list[int]:
    """The ids that are not errors, each once."""
    changes = ids[1:][ids[1:] != ids[:-1]]
    return sorted(writer for writer in {*ids[:1].tolist(), *changes.tolist()} if writer >= 0)


def _typed(cells: Ints, dtype: str) -> NDArray[Any]:
    return cells.astype(dtype) if dtype == "i1" else cells.view(dtype)
