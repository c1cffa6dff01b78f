"""From a writer's schema to the operations that read it into columns of ours.

In: our schema and the columns wanted of it; then a writer's schema. Out: rows for the compiled pass, one a field;
NotFlatError where fastavro must read the record, SchemaError where nobody can. Resolution is Avro's (names, aliases,
defaults, promotions, enum symbols) with the units of schemas.wire. This file must not know bytes, ids, or a registry.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from fastavro import parse_schema
from numpy.typing import NDArray

from schemas.errors import SchemaError, nearest
from schemas.wire import Resolution, Schema, record_name
from udfs.decode import kernel
from udfs.fnv import fnv1a

KINDS = {
    "boolean": kernel.BOOLEAN,
    "int": kernel.INT,
    "long": kernel.LONG,
    "float": kernel.FLOAT,
    "double": kernel.DOUBLE,
    "string": kernel.STRING,
    "bytes": kernel.BYTES,
    "enum": kernel.ENUM,
}
DTYPES = {"boolean": "i1", "int": "i8", "long": "i8", "float": "f8", "double": "f8", "string": "u8", "enum": "i1"}
"""Element type of a column of ours by its Avro type."""

PROMOTIONS = {
    "long": ("int",),
    "float": ("int", "long"),
    "double": ("int", "long", "float"),
    "string": ("bytes",),
    "bytes": ("string",),
}
"""Writers' types that may stand for one of ours."""

Plan = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The operations int64[fields, 7] of a writer, and our code of each of its enums' symbols (-1: not ours)."""


class NotFlatError(SchemaError):
    """A type is no number, string or enum, nor one of these or null: not for the compiled pass."""


@dataclass(frozen=True)
class Value:
    """A flat Avro type: its name, its schema, and the branch of its union that is null (-1: no union)."""

    kind: str
    schema: Schema
    null: int = -1

    @classmethod
    def of(cls, schema: Schema) -> "Value":
        """The flat type that a schema is; NotFlatError for all others."""
        core, null = schema, -1
        if isinstance(schema, list) and len(schema) == 2 and "null" in schema:
            null = schema.index("null")
            core = schema[1 - null]
        kind = "union" if isinstance(core, list) else core["type"] if isinstance(core, dict) else core
        if kind not in KINDS:
            raise NotFlatError(f"{kind!r} is not flat")
        return cls(kind, core, null)

    def takes(self, writer: "Value") -> bool:
        """Whether a writer's value, when it is not null, can be read as this one."""
        if self.kind == writer.kind == "enum":
            name = record_name(writer.schema)
            return name == record_name(self.schema) or name in self.schema.get("aliases", ())
        return writer.kind == self.kind or writer.kind in PROMOTIONS.get(self.kind, ())

    def symbols(self, writer: "Value") -> list[int]:
        """Our code of each symbol of a writer's enum: that of our default, else -1, for one that we do not know."""
        ours = self.schema["symbols"]
        unknown = ours.index(self.schema["default"]) if "default" in self.schema else -1
        return [ours.index(symbol) if symbol in ours else unknown for symbol in writer.schema["symbols"]]


class Column:
    """A wanted field of our record: its place among the columns, its element type, whether it may be null."""

    def __init__(self, place: int, field: dict[str, Any]) -> None:
        self.place = place
        self.value = Value.of(field["type"])
        if self.value.kind not in DTYPES:
            raise NotFlatError(f"{self.value.kind!r} has no element type")
        self.dtype = DTYPES[self.value.kind]
        self.nullable = self.value.null >= 0
        self.default = field.get("default")

    def constant(self) -> list[int]:
        """The operation that writes the default."""
        value = self.code(self.default)
        if value is None:
            value = np.nan if self.dtype == "f8" else 0
        elif self.value.kind == "string":
            value = fnv1a(value)
        bits = np.array([value], "i8" if self.dtype == "i1" else self.dtype).view("i8")[0]
        return [kernel.CONSTANT, self.place, -1, self.nullable and self.default is not None, int(bits), 1, 0]

    def code(self, value: Any) -> Any:
        """A value as fastavro gives it, but as a number if it is an enum's symbol or a boolean."""
        if self.dtype != "i1" or value is None:
            return value
        return self.value.schema["symbols"].index(value) if self.value.kind == "enum" else int(value)


class Columns:
    """The wanted columns of one of our records, and the plans that fill them."""

    def __init__(self, reader: Schema, names: tuple[str, ...]) -> None:
        self.fields = _fields(reader)
        self.aliases = {alias: name for name, field in self.fields.items() for alias in field.get("aliases", ())}
        self.wanted: dict[str, Column] = {}
        for name in names:
            if name not in self.fields:
                raise SchemaError(f"no field {name!r} in {record_name(reader)}", hint=nearest(name, self.fields))
            try:
                self.wanted[name] = Column(len(self.wanted), self.fields[name])
            except NotFlatError as error:
                raise SchemaError(f"{name!r} cannot be a column: {error.what}", where=record_name(reader)) from error

    def plan(self, resolution: Resolution) -> Plan:
        """The operations that read a writer's record. NotFlatError: fastavro must; SchemaError: nobody can."""
        codes: list[int] = []
        ops = list(self._operations(resolution, codes))
        return np.array(ops, np.int64).reshape(-1, 7), np.array(codes, np.int64)

    def _operations(self, resolution: Resolution, codes: list[int]) -> Iterator[list[int]]:
        missing = dict(self.fields)
        for field in _fields(resolution.writer).values():
            name = field["name"] if field["name"] in self.fields else self.aliases.get(field["name"])
            value = Value.of(field["type"])
            if name is None:
                yield [KINDS[value.kind], -1, value.null, 0, *_symbols(value, value, codes), 0]
            else:
                missing.pop(name, None)
                yield self._operation(name, value, resolution.units.get(name, Fraction(1)), codes)
        for name, field in missing.items():
            if "default" not in field:
                raise SchemaError(f"no value and no default for {name!r}")
            if name in self.wanted:
                yield self.wanted[name].constant()

    def _operation(self, name: str, value: Value, unit: Fraction, codes: list[int]) -> list[int]:
        ours, column = Value.of(self.fields[name]["type"]), self.wanted.get(name)
        if not ours.takes(value):
            raise SchemaError(f"{name!r} is {ours.kind} here, {value.kind} there")
        kind = kernel.STRING if {ours.kind, value.kind} == {"string", "bytes"} else KINDS[value.kind]
        scale = _symbols(ours, value, codes) if kind == kernel.ENUM else unit.as_integer_ratio()
        if column is None:
            return [kind, -1, value.null, 0, *scale, 0]
        return [kind, column.place, value.null, column.nullable, *scale, column.dtype == "f8"]


def _fields(schema: Schema) -> dict[str, dict[str, Any]]:
    parsed: Any = parse_schema(schema, expand=True)
    return {field["name"]: field for field in parsed["fields"]}


def _symbols(ours: Value, writer: Value, codes: list[int]) -> tuple[int, int]:
    """Adds our codes of a writer's enum to `codes`; where they begin and end there (1, 1 for anything else)."""
    if ours.kind != "enum":
        return 1, 1
    start = len(codes)
    codes += ours.symbols(writer)
    return start, len(codes)
