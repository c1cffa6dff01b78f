"""Feast's rows as packed vectors, and back.

In: Feast's entity keys and protobuf values; or columns of unpacked vectors. Out: vectors with the stamp that lets them
win; or Feast's values. Must not know: stores, or how a response is put together.

Feast's writers hold no fence. A row wins if its event time is newer; at an equal event time if its created time is not
older, or if one of the two has none (the later write). At a newer event time the vector gets fence 0, so that the
features job's own vector of that bar still wins; at an equal one it keeps fence and revision of the vector it replaces,
so that the job's next revision still wins.
"""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isnan
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from feast import FeatureView, ValueType
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.json_format import MessageToDict  # type: ignore[import-untyped]

from feature_repo.stores import Refusal
from udfs.vector import NUMBERS, Kind, Layout, Stamp, Vectors, stamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MISSING = Value()
KINDS: dict[ValueType, Kind] = {ValueType.DOUBLE: "f8", ValueType.FLOAT: "f4", ValueType.STRING: "str"}

FeastRow = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
FeastRead = tuple[datetime | None, dict[str, Value] | None]


class Row(NamedTuple):
    """One row to write: int64 microseconds UTC (created 0: none given), and the values by field name."""

    event_time: int
    created: int
    values: dict[str, Value]


def layout_of(table: FeatureView) -> Layout:
    """The vector layout of a Feast view: floating numbers and strings as they are, any other type as protobuf bytes."""
    return _layout(table.name, tuple((f.name, KINDS.get(f.dtype.to_value_type(), "bytes")) for f in table.features))


@lru_cache
def _layout(view: str, fields: tuple[tuple[str, Kind], ...]) -> Layout:
    """One object for equal layouts: it knows its fingerprint and numpy type once they were asked for."""
    return Layout(view, fields)


def entity_text(key: EntityKey) -> str:
    """The entity's name in the store: the value of a string key; of several `A|B`, in the order of the keys' names.

    Feast's serialised key in hex where a value is no string, or one of several holds `|` itself.
    """
    values = [
        value.string_val for _, value in sorted(zip(key.join_keys, key.entity_values, strict=True), key=itemgetter(0))
    ]
    strings = all(value.HasField("string_val") for value in key.entity_values)
    if strings and (len(values) == 1 or not any("|" in value for value in values)):
        return "|".join(values)
    return str(serialize_entity_key(key, entity_key_serialization_version=3).hex())


def sorted_out(data: Sequence[FeastRow], max_future_us: int) -> tuple[list[FeastRow], list[Refusal]]:
    """The rows to write, and refusals of those whose event time is further ahead of the clock than that."""
    limit = time.time_ns() // 1000 + max_future_us
    future = [row for row in data if micros(row[2]) > limit]
    if not future:
        return list(data), []
    reason = f"event time is more than {max_future_us / 1e6:g} s ahead of the clock"
    refusals = [Refusal(entity_text(key), micros(at), reason, _shown(values)) for key, values, at, _ in future]
    return [row for row in data if micros(row[2]) <= limit], refusals


def _shown(values: dict[str, Value]) -> str:
    """Values for a person: JSON, by field."""
    return json.dumps({name: next(iter(MessageToDict(value).values()), None) for name, value in values.items()})


def newest(data: Sequence[FeastRow]) -> dict[str, Row]:
    """The row of each entity that wins if all are written in order."""
    rows: dict[str, Row] = {}
    for key, values, event_time, created in data:
        entity, row = entity_text(key), Row(micros(event_time), micros(created) if created else 0, values)
        rows[entity] = _follow(row, rows.get(entity)) or rows[entity]
    return rows


def _follow(new: Row, old: Row | Stamp | None) -> Row | None:
    """The new row, which takes over the created time if it has none of its own; None if the old one stays."""
    if old is None or new.event_time > old.event_time:
        return new
    if new.event_time < old.event_time or (new.created and new.created < old.created):
        return None
    return new._replace(created=new.created or old.created)


def rank(row: Row, vector: bytes | None) -> Stamp | None:
    """The stamp with which a row replaces an entity's vector; None if it does not."""
    old = stamp(vector) if vector else None
    new = _follow(row, old)
    if new is None:
        return None
    fence, revision = (old.fence, old.revision) if old and old.event_time == new.event_time else (0, 0)
    return Stamp(new.event_time, fence, revision, new.created)


def packed(layout: Layout, rows: Sequence[Row], stamps: Sequence[Stamp]) -> list[bytes]:
    """One vector a row, each with its stamp; a field that a row does not have is missing."""
    numbers = [[_number(row.values.get(name, MISSING)) for name in layout.numbers] for row in rows]
    values = np.array(numbers, np.float64).reshape(len(rows), len(layout.numbers))
    texts = [[_text(row.values.get(name, MISSING), kind) for row in rows] for name, kind in layout.texts]
    event_time, fence, revision, created = np.array(stamps, np.int64).reshape(-1, 4).T
    return layout.pack(event_time, fence, revision, created, values, texts)


def values_of(layout: Layout, columns: Vectors, names: Sequence[str]) -> list[dict[str, Value]]:
    """Feast's values of these fields for every entity; a missing one is unset."""
    fields = [_column(layout, columns, field) for field in layout.fields if field[0] in names]
    names = [name for name, _ in layout.fields if name in names]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*fields, strict=True)]
    return rows or [dict[str, Value]() for _ in columns.present]


def _column(layout: Layout, columns: Vectors, field: tuple[str, Kind]) -> list[Value]:
    name, kind = field
    if kind in NUMBERS:
        member = "double_val" if kind == "f8" else "float_val"
        numbers = columns.values[:, layout.numbers.index(name)].tolist()
        return [Value(**{member: number}) if not isnan(number) else MISSING for number in numbers]
    texts = columns.strings[layout.texts.index(field)]
    if kind == "str":
        return [MISSING if text is None else Value(string_val=text) for text in texts]
    return [MISSING if text is None else Value.FromString(text) for text in texts]


def _number(value: Value) -> float:
    kind = value.WhichOneof("val")
    return float(getattr(value, kind)) if kind else np.nan


def _text(value: Value, kind: Kind) -> str | bytes | None:
    if value.WhichOneof("val") is None:
        return None
    return str(value.string_val) if kind == "str" else bytes(value.SerializeToString())


def micros(time: datetime) -> int:
    """Microseconds since 1970 UTC; a time without zone is UTC, as Feast says."""
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND
