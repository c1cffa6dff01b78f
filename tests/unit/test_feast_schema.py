"""What `feast apply` with other fields means for the vectors that lie there, on both stores."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from feature_repo.stores import open_store
from schemas.errors import StoreError
from tests.unit.catalogue import NOW, customer, driver, feature_store, pairs, rides, values, view, weather
from udfs.vector import UnknownSchema

ROWS = [{"customer_id": "a"}, {"customer_id": "b"}]


@pytest.fixture(params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/online.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    return feature_store(tmp_path, str(url))


def apply(feast: Any, folder: Path, fields: dict[str, str]) -> None:
    """The view `v` by customer with these fields: name to type."""
    from feast import types

    dtypes = {"customer_id": types.String} | {name: getattr(types, dtype) for name, dtype in fields.items()}
    feast.apply([customer(), view("v", [customer()], dtypes, folder)])
    feast.refresh_registry()


def put(feast: Any, customer_id: str, when: Any = NOW, **cells: Any) -> None:
    feast.write_to_online_store("v", pd.DataFrame([{"customer_id": customer_id, "event_timestamp": when, **cells}]))


OLD = {"x": "Float64", "y": "Float64", "t": "String", "n": "Int64"}


@pytest.mark.parametrize(
    ("fields", "served"),
    [
        (OLD | {"z": "Float64", "u": "String"}, {"x": 1.5, "y": -0.0, "t": "é", "n": 2**60, "z": None, "u": None}),
        ({"y": "Float64", "n": "Int64"}, {"y": -0.0, "n": 2**60}),
        ({"n": "Int64", "t": "String", "y": "Float64", "x": "Float64"}, {"n": 2**60, "t": "é", "y": -0.0, "x": 1.5}),
        ({"new": "Float64", "t": "String"}, {"new": None, "t": "é"}),
    ],
    ids=["fields added", "fields removed", "fields reordered", "all at once"],
)
def test_old_vectors_are_read_by_field(feast: Any, tmp_path: Path, fields: dict[str, str], served: Any) -> None:
    apply(feast, tmp_path, OLD)
    put(feast, "a", x=1.5, y=-0.0, t="é", n=2**60)
    apply(feast, tmp_path, fields)
    found = values(feast, [f"v:{name}" for name in served], ROWS)
    assert {name: repr(found[name]) for name in served} == {name: repr([value, None]) for name, value in served.items()}


def test_old_and_new_vectors_side_by_side(feast: Any, tmp_path: Path) -> None:
    apply(feast, tmp_path, {"x": "Float64"})
    put(feast, "a", x=1.0)
    apply(feast, tmp_path, {"x": "Float64", "y": "Float64"})
    put(feast, "b", x=2.0, y=3.0)
    assert values(feast, ["v:x", "v:y"], ROWS) == {"customer_id": ["a", "b"], "x": [1.0, 2.0], "y": [None, 3.0]}
    put(feast, "a", x=4.0, y=5.0)  # an equal event time: the later write
    put(feast, "b", when=NOW.replace(year=2001), x=6.0, y=7.0)
    assert values(feast, ["v:x", "v:y"], ROWS) == {"customer_id": ["a", "b"], "x": [4.0, 2.0], "y": [5.0, 3.0]}


def test_another_type_is_an_error_until_it_is_written_again(feast: Any, tmp_path: Path) -> None:
    apply(feast, tmp_path, {"x": "Float64"})
    put(feast, "a", x=1.0)
    apply(feast, tmp_path, {"x": "String"})
    with pytest.raises(UnknownSchema, match="x is f8 in a vector and str in its reader"):
        values(feast, ["v:x"], ROWS)
    put(feast, "a", x="one")
    assert values(feast, ["v:x"], ROWS)["x"] == ["one", None]


def test_fields_that_nobody_described_are_an_error_with_both_schemas(feast: Any, tmp_path: Path) -> None:
    from udfs.vector import Layout

    apply(feast, tmp_path, {"x": "Float64"})
    store, stranger = open_store(feast.config.online_store.url), Layout("v", (("secret", "f8"),))
    [vector] = stranger.pack(1, 0, 0, 0, np.ones((1, 1)))
    assert store.swap(feast.project, "v", ["a"], [None], [vector]) == [True]
    with pytest.raises(StoreError, match=f"{stranger.fingerprint:016x}.*not described[^$]*x f8"):
        values(feast, ["v:x"], ROWS)
    store.close()


def fill(feast: Any, folder: Path) -> None:
    """Two views with a row each."""
    feast.apply([driver(), customer(), rides(folder), pairs(folder), weather(folder)])
    row = {"customer_id": "a", "driver_id": 1, "event_timestamp": NOW}
    feast.write_to_online_store("rides", pd.DataFrame([{**row, "fare": 1.0, "tip": 2.0, "city": "x", "trips": 3}]))
    feast.write_to_online_store("pairs", pd.DataFrame([{**row, "score": 4.0}]))


def held(feast: Any) -> list[bool]:
    """Whether the store holds the rows of `fill`."""
    store, [[pair], [ride]] = open_store(feast.config.online_store.url), [_keys(2), _keys(1)]
    found = store.read_many(feast.project, [("rides", [ride]), ("pairs", [pair])])
    store.close()
    return [vector is not None for [vector] in found]


def _keys(columns: int) -> list[str]:
    from feature_repo.stores.rows import entity_text
    from tests.unit.serving import keys_of

    both: dict[str, list[Any]] = {"driver_id": [1], "customer_id": ["a"]}
    return [entity_text(key) for key in keys_of(**dict(list(both.items())[2 - columns :]))]


def test_apply_forgets_deleted_views_only(feast: Any, tmp_path: Path) -> None:
    fill(feast, tmp_path)
    assert held(feast) == [True, True]
    gone = [feast.get_feature_view("rides")]
    feast.apply([driver(), customer(), pairs(tmp_path)], objects_to_delete=gone, partial=False)
    assert held(feast) == [False, True]


def test_teardown_leaves_other_projects_alone(feast: Any, tmp_path: Path) -> None:
    url, name = feast.config.online_store.url, feast.project
    near = [feature_store(tmp_path, url, project) for project in (name, f"non{name}", f"{name}2", f"{name}_rides")]
    for each in near:
        fill(each, tmp_path)
    near[0].teardown()
    assert [held(each) for each in near] == [[False, False], [True, True], [True, True], [True, True]]
