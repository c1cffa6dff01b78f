"""Every type that Feast knows, as a feature and as a key, comes back bit for bit from both stores."""

import math
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.unit.catalogue import NOW, customer, driver, feature_store, pairs, values, view
from tests.unit.serving import keys_of

DOUBLES = [
    -0.0,
    0.0,
    5e-324,
    -2.2250738585072014e-308,
    0.1 + 0.2,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
    2.0**53 + 2,
]
SCALARS: dict[str, Any] = {
    "bytes": b"\0\xff\n", "str": "Ægir\0\n", "int32": -(2**31), "int64": -(2**63), "uint": 2**32 - 1, "bool": False,
    "float": -0.0, "double": 5e-324,
}  # fmt: skip


@pytest.fixture(params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/online.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    return feature_store(tmp_path, str(url))


def sample(field: Any) -> Any:
    """A Value that has only this member, with something in it."""
    from feast.protos.feast.types.Value_pb2 import Value

    value = Value()
    if not field.message_type:
        setattr(value, field.name, next(v for v in SCALARS.values() if _fits(value, field.name, v)))
        return value
    inner = getattr(value, field.name)
    inner.SetInParent()
    repeated = inner.DESCRIPTOR.fields_by_name.get("val")
    if repeated and not repeated.message_type:
        inner.val.extend([next(v for v in SCALARS.values() if _fits(inner.val, None, v))] * 3)
    return value


def _fits(target: Any, name: str | None, value: Any) -> bool:
    try:
        if name is None:
            target.append(value)
            del target[:]
        else:
            setattr(target, name, value)
    except (TypeError, ValueError):
        return False
    return True


def test_every_member_of_feasts_value(feast: Any, tmp_path: Path) -> None:
    from feast.protos.feast.types.Value_pb2 import Value
    from feast.types import Float32, Float64, Int64, String

    samples = {field.name: sample(field) for field in Value.DESCRIPTOR.oneofs_by_name["val"].fields}
    assert len(samples) > 40
    own = {"double_val": Float64, "float_val": Float32, "string_val": String}
    table = view("all", [customer()], {name: own.get(name, Int64) for name in samples}, tmp_path)
    feast.apply([customer(), table])
    online, keys = feast._get_provider().online_store, keys_of(customer_id=["full", "none"])
    empty = dict.fromkeys(samples, Value())
    online.online_write_batch(feast.config, table, [(keys[0], samples, NOW, None), (keys[1], empty, NOW, None)], None)
    assert online.online_read(feast.config, table, keys) == [(NOW, samples), (NOW, empty)]
    references = [f"all:{name}" for name in samples]
    answer = feast.get_online_features(references, [{"customer_id": "full"}, {"customer_id": "none"}]).proto
    names = list(answer.metadata.feature_names.val)
    found = {name: list(result.values) for name, result in zip(names, answer.results, strict=True) if name in samples}
    assert found == {name: [value, Value()] for name, value in samples.items()}
    bits = {name: pair[0].SerializeToString(deterministic=True) for name, pair in found.items()}
    assert bits == {name: value.SerializeToString(deterministic=True) for name, value in samples.items()}


def test_doubles_bit_for_bit(feast: Any, tmp_path: Path) -> None:
    from feast.types import Float64, String

    feast.apply([customer(), view("v", [customer()], {"customer_id": String, "x": Float64}, tmp_path)])
    names = [f"c{i}" for i in range(len(DOUBLES) + 1)]
    frame = pd.DataFrame({"customer_id": names, "event_timestamp": NOW, "x": [*DOUBLES, math.nan]})
    feast.write_to_online_store("v", frame)
    found = values(feast, ["v:x"], [{"customer_id": name} for name in names])["x"]
    assert [struct.pack("<d", value) for value in found[:-1]] == [struct.pack("<d", value) for value in DOUBLES]
    assert found[-1] is None


def test_floats_bit_for_bit_and_none_for_infinity(feast: Any, tmp_path: Path) -> None:
    from feast.types import Float32, Float64, String

    fields = {"customer_id": String, "x": Float32, "y": Float64}
    feast.apply([customer(), view("v", [customer()], fields, tmp_path)])
    floats = [-0.0, float(np.float32(1e-45)), float(np.float32(0.1)), float(np.finfo(np.float32).max)]
    names = [f"c{i}" for i in range(len(floats) + 3)]
    cells = [*floats, math.inf, -math.inf, math.nan]
    frame = pd.DataFrame({"customer_id": names, "event_timestamp": NOW, "x": cells, "y": cells})
    feast.write_to_online_store("v", frame)
    found = values(feast, ["v:x", "v:y"], [{"customer_id": name} for name in names])
    assert [struct.pack("<d", value) for value in found["x"][:-3]] == [struct.pack("<d", value) for value in floats]
    assert found["x"][-3:] == [None] * 3
    assert found["y"][-3:] == [math.inf, -math.inf, None]


def test_types_as_frames_hold_them(feast: Any, tmp_path: Path) -> None:
    from feast import types

    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    cells: dict[str, tuple[Any, Any]] = {
        "Float64": (types.Float64, -0.0), "Float32": (types.Float32, np.float32(0.1)), "Int32": (types.Int32, -7),
        "Int64": (types.Int64, 2**62 + 1), "Bool": (types.Bool, False), "String": (types.String, ""),
        "Bytes": (types.Bytes, b"\0\x80"), "UnixTimestamp": (types.UnixTimestamp, when),
        "doubles": (types.Array(types.Float64), [-0.0, 5e-324]), "ints": (types.Array(types.Int64), [2**62 + 1, -1]),
        "texts": (types.Array(types.String), ["", "é"]), "bools": (types.Array(types.Bool), [True, False]),
        "bytess": (types.Array(types.Bytes), [b"", b"\0"]), "times": (types.Array(types.UnixTimestamp), [when, when]),
    }  # fmt: skip
    fields = {"customer_id": types.String} | {name: dtype for name, (dtype, _) in cells.items()}
    feast.apply([customer(), view("v", [customer()], fields, tmp_path)])
    row = {name: [value] for name, (_, value) in cells.items()}
    feast.write_to_online_store("v", pd.DataFrame({"customer_id": ["a"], "event_timestamp": [NOW], **row}))
    found = values(feast, [f"v:{name}" for name in cells], [{"customer_id": "a"}])
    assert {name: repr(found[name][0]) for name in cells} == {
        name: repr(float(value) if name == "Float32" else value) for name, (_, value) in cells.items()
    }


@pytest.mark.parametrize(
    ("dtype", "held", "other"),
    [
        ("INT64", 2**60, -1),
        ("INT32", -7, 7),
        ("STRING", "Æ:*{1}% /\n", "Æ"),
        ("STRING", "", " "),
        ("BYTES", b"\0\xff", b"\0"),
    ],
)
def test_keys_of_every_type(feast: Any, tmp_path: Path, dtype: str, held: Any, other: Any) -> None:
    from feast import Entity, ValueType
    from feast.types import Float64, from_value_type

    kind = getattr(ValueType, dtype)
    entity = Entity(name="k", join_keys=["k_id"], value_type=kind)
    feast.apply([entity, view("v", [entity], {"k_id": from_value_type(kind), "x": Float64}, tmp_path)])
    feast.write_to_online_store("v", pd.DataFrame({"k_id": [held], "event_timestamp": [NOW], "x": [1.5]}))
    assert values(feast, ["v:x"], [{"k_id": held}, {"k_id": other}])["x"] == [1.5, None]


def test_keys_of_two_columns(feast: Any, tmp_path: Path) -> None:
    feast.apply([driver(), customer(), pairs(tmp_path)])
    rows = [(1, "a"), (1, "b"), (11, "a"), (1, "1"), (11, "")]
    frame = pd.DataFrame(rows, columns=["driver_id", "customer_id"]).assign(event_timestamp=NOW, score=range(len(rows)))
    feast.write_to_online_store("pairs", frame.astype({"score": float}))
    asked = [*rows, (2, "a"), (1, "c")]
    either_way = [
        [{"driver_id": d, "customer_id": c} for d, c in asked],
        [{"customer_id": c, "driver_id": d} for d, c in asked],
    ]
    for keys in either_way:
        assert values(feast, ["pairs:score"], keys)["score"] == [0.0, 1.0, 2.0, 3.0, 4.0, None, None]
