"""The answer to `get_online_features`, put together as protobuf bytes: a column at a time, not a value at a time.

In: unpacked vectors of one view, and which of them answers each row of a request. Out: the view's features appended to
Feast's response, field for field as Feast's own code fills it. Must not know: stores, or requests.

A column of numbers is one numpy array of the bytes that each takes on the wire; status and times are made once for
all features of a view. Feast's parser (C) then reads all of it in one call: 1,000 entities by 50 features would
otherwise be 50,000 Python objects.
"""

import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from feast import FeatureView, utils
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus, GetOnlineFeaturesResponse
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]

from feature_repo.stores.rows import MICROSECOND, entity_text
from udfs.vector import LIMIT, NUMBERS, Float64, Int64, Kind, Layout, Vectors

Column = GetOnlineFeaturesResponse.FeatureVector
Rows = npt.NDArray[np.intp]
Statuses = npt.NDArray[np.uint8]


def _tag(message: Any, field: str, wire_type: int = 2) -> bytes:
    """How a field begins on the wire: one byte, as all the numbers here are below 16."""
    return bytes([message.DESCRIPTOR.fields_by_name[field].number << 3 | wire_type])


RESULT, VALUE = _tag(GetOnlineFeaturesResponse, "results"), _tag(Column, "values")
STATUSES, TIME = _tag(Column, "statuses"), _tag(Column, "event_timestamps")
STRING = _tag(Value, "string_val")
MEMBERS = {"f8": _tag(Value, "double_val", wire_type=1), "f4": _tag(Value, "float_val", wire_type=5)}


def unique_entities(
    table: FeatureView, join_key_values: dict[str, list[Value]], join_keys: dict[str, str]
) -> tuple[list[str], Rows]:
    """The names in the store of the entities that a request asks a view for, and which of them each row asks for."""
    entities, places, count = utils._get_unique_entities(table, join_key_values, join_keys)  # noqa: SLF001
    rows = np.zeros(count, np.intp)
    for i, place in enumerate(places):
        rows[place] = i
    return [entity_text(key) for key in utils._get_entity_key_protos(entities)], rows  # noqa: SLF001


def statuses(table: FeatureView, columns: Vectors) -> Statuses:
    """Feast's status of each vector now: NOT_FOUND, OUTSIDE_MAX_AGE if older than the view's ttl, or PRESENT."""
    ttl = getattr(table, "ttl", None)  # an on-demand view that is written to the store has none
    oldest = time.time_ns() // 1000 - ttl // MICROSECOND if ttl else -LIMIT
    found = np.where(columns.event_time < oldest, FieldStatus.OUTSIDE_MAX_AGE, FieldStatus.PRESENT)
    return np.where(columns.present, found, FieldStatus.NOT_FOUND).astype(np.uint8)


def count_statuses(table: FeatureView, features: Sequence[str], status: Statuses, rows: Rows) -> None:
    """Tell the feature server's metrics how many values were there; imported here, since it changes the environment."""
    from feast.metrics import track_feature_statuses

    present = int(np.count_nonzero(status[rows] == FieldStatus.PRESENT)) * len(features)
    track_feature_statuses(table.name, present, len(rows) * len(features) - present)


def add_names(
    response: GetOnlineFeaturesResponse, table: FeatureView, features: Sequence[str], full_names: bool, versions: bool
) -> None:
    """Append what the features are called, and the view's version if asked."""
    prefix = f"{table.projection.name_to_use()}__" if full_names else ""
    response.metadata.feature_names.val.extend([prefix + name for name in features])
    if versions:  # Feast's own code, for no features
        utils._populate_response_from_feature_data([], [], [], response, full_names, table, 0, True)  # noqa: SLF001


def add_values(
    response: GetOnlineFeaturesResponse,
    features: Sequence[str],
    layout: Layout,
    columns: Vectors,
    status: Statuses,
    rows: Rows,
) -> None:
    """Append the features of a view: `rows` holds for each row of the answer its place in `columns`.

    A value is set only where its vector's status is PRESENT; the event time stays also where it is OUTSIDE_MAX_AGE.
    """
    times = _messages(TIME, _timestamps(columns.event_time, columns.present))
    tail = STATUSES + _sized(status[rows].tobytes()) + b"".join([times[row] for row in rows.tolist()])
    shown = (status == FieldStatus.PRESENT)[rows]
    kinds, fields = dict(layout.fields), dict[str, bytes]()
    for kind in NUMBERS:
        if names := [name for name in features if kinds[name] == kind]:
            fields |= _numbers(kind, layout, columns.values, names, rows, shown)
    for place, (name, _) in enumerate(layout.texts):
        if name in features:
            texts = [columns.strings[place][row] for row in rows.tolist()]
            fields[name] = _texts([text if there else None for text, there in zip(texts, shown, strict=True)])
    response.MergeFromString(b"".join(_messages(RESULT, [fields[name] + tail for name in features])))


def _numbers(
    kind: Kind, layout: Layout, values: Float64, names: list[str], rows: Rows, shown: npt.NDArray[np.bool_]
) -> dict[str, bytes]:
    """The values of number fields of one kind on the wire, by field; an unset value is a message of no bytes."""
    message = np.dtype([("value", "S1"), ("size", "u1"), ("member", "S1"), ("number", "<" + kind)])
    places = [layout.numbers.index(name) for name in names]
    numbers = values[rows][:, places].T
    there = shown & ~np.isnan(numbers)
    wire = np.empty(numbers.shape, message)
    wire["value"], wire["size"], wire["member"] = VALUE, np.where(there, message.itemsize - 2, 0), MEMBERS[kind]
    wire["number"] = numbers
    kept = np.ones((*numbers.shape, message.itemsize), bool)
    kept[~there, 2:] = False
    sent = (wire.view(np.uint8).reshape(kept.shape)[kept] if not there.all() else wire).tobytes()
    ends = np.cumsum(kept.sum(axis=(1, 2))).tolist()
    return {name: sent[start:end] for name, start, end in zip(names, [0, *ends], ends, strict=False)}


def _texts(texts: Sequence[str | bytes | None]) -> bytes:
    """One text field's values on the wire; one of kind bytes holds Feast's serialised value already."""
    values = [STRING + _sized(text.encode()) if isinstance(text, str) else text or b"" for text in texts]
    return b"".join(_messages(VALUE, values))


def _timestamps(event_time: Int64, present: npt.NDArray[np.bool_]) -> list[bytes]:
    """A serialised Timestamp a vector, empty where there is none; equal times, the rule, are made once."""
    times = event_time.tolist()
    made = {us: Timestamp(seconds=us // 1_000_000, nanos=us % 1_000_000 * 1000).SerializeToString() for us in {*times}}
    return [made[us] if there else b"" for us, there in zip(times, present.tolist(), strict=True)]


def _messages(tag: bytes, messages: Iterable[bytes]) -> list[bytes]:
    return [tag + _sized(message) for message in messages]


def _sized(message: bytes) -> bytes:
    """The message after its length, as a varint."""
    size, prefix = len(message), bytearray()
    while size > 0x7F:
        prefix.append(size & 0x7F | 0x80)
        size >>= 7
    prefix.append(size)
    return bytes(prefix) + message
