"""Which write wins, whose keys are whose, and what a value may be, through Feast's own interface on both stores."""

import threading
from typing import Any

import numpy as np
import pytest

from feature_repo.stores import open_store
from schemas.settings import store_url
from tests.unit.serving import ask, at, entity_key, native, us, write
from udfs.vector import stamp

pytestmark = pytest.mark.usefixtures("home")


# (event time, created time) of writes in their order; the place of the one that is held at the end
@pytest.mark.parametrize(
    ("writes", "held"),
    [
        ([(1, None), (2, None)], 1),
        ([(2, None), (1, None)], 0),
        ([(2, 5), (1, 9)], 0),
        ([(2, 5), (2, 6)], 1),
        ([(2, 6), (2, 5)], 0),
        ([(2, 5), (2, 5)], 1),
        ([(2, None), (2, None)], 1),
        ([(2, None), (2, 5)], 1),
        ([(2, 5), (2, None)], 1),
        ([(2, 5), (2, None), (2, 4)], 1),
        ([(2, 6), (2, 5), (1, 9), (2, 7), (2, 6)], 3),
    ],
)
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "one by one"])
def test_order_of_writes(
    feast: Any, symbol: str, writes: list[tuple[int, int | None]], held: int, together: bool
) -> None:
    rows = [(at(time), None if made is None else at(made), float(i)) for i, (time, made) in enumerate(writes)]
    for batch in [rows] if together else [[row] for row in rows]:
        write(feast, symbol, batch)
    assert ask(feast, symbol, "indicators_1d:sma_20") == [held]


def test_a_job_and_feast_on_one_symbol(feast: Any, symbol: str) -> None:
    def held() -> Any:
        return ask(feast, symbol, "indicators_1d:sma_20")[0]

    write(feast, symbol, [(at(5), at(6), 1.0)])
    assert native(symbol, at(5), 2.0) == 1  # the job's bar replaces what was pushed ahead of it
    write(feast, symbol, [(at(5), at(6), 3.0)])  # a correction, made after the job's
    assert held() == 3.0
    write(feast, symbol, [(at(5), at(4), 4.0), (at(4), at(9), 4.0)])
    assert held() == 3.0
    assert native(symbol, at(5), 5.0, revision=1) == 1  # the job's correction wins in any case
    assert held() == 5.0


def test_a_write_keeps_the_fence_and_revision_it_replaces(feast: Any, symbol: str) -> None:
    native(symbol, at(5), 1.0, revision=3)
    store = open_store(store_url())
    before = stamp(store.read("tickloom", "indicators_1d", [symbol])[0] or b"")
    write(feast, symbol, [(at(5), None, 2.0)])
    assert stamp(store.read("tickloom", "indicators_1d", [symbol])[0] or b"") == before
    write(feast, symbol, [(at(6), None, 2.0)])
    assert stamp(store.read("tickloom", "indicators_1d", [symbol])[0] or b"") == (us(at(6)), 0, 0, 0)
    store.close()


@pytest.mark.parametrize(("rival", "held"), [(4, 5.0), (6, 6.0)], ids=["older rival", "newer rival"])
def test_a_row_that_was_overtaken_is_judged_again(
    feast: Any, symbol: str, monkeypatch: pytest.MonkeyPatch, rival: int, held: float
) -> None:
    store = feast._get_provider().online_store._open(feast.config)
    honest = store.read

    def overtaken(*arguments: Any) -> Any:
        found = honest(*arguments)
        monkeypatch.setattr(store, "read", honest)
        write(feast, symbol, [(at(1), at(rival), float(rival))])
        return found

    monkeypatch.setattr(store, "read", overtaken)
    write(feast, symbol, [(at(1), at(5), 5.0)])
    assert ask(feast, symbol, "indicators_1d:sma_20") == [held]


def test_racing_writers_leave_the_newest_created(feast: Any, symbol: str) -> None:
    def race(seed: int) -> None:
        for created in np.random.default_rng(seed).permutation(60).tolist():
            write(feast, symbol, [(at(1), at(created), float(created))])

    writers = [threading.Thread(target=race, args=(seed,)) for seed in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert ask(feast, symbol, "indicators_1d:sma_20") == [59.0]


def test_several_keys_and_any_type(feast: Any) -> None:
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.protos.feast.types.EntityKey_pb2 import EntityKey
    from feast.protos.feast.types.Value_pb2 import DoubleList, Value
    from feast.types import Array, Float64, Int64, String

    entities = [Entity(name="a", value_type=ValueType.STRING), Entity(name="b", value_type=ValueType.INT64)]
    fields = [Field(name="n", dtype=Int64), Field(name="l", dtype=Array(Float64)), Field(name="s", dtype=String)]
    keys = [Field(name="a", dtype=String), Field(name="b", dtype=Int64)]
    source = FileSource(name="none", path="none.parquet", timestamp_field="t")
    view = FeatureView(name="odd", entities=entities, schema=[*keys, *fields], source=source)
    full = {"n": Value(int64_val=2**60), "l": Value(double_list_val=DoubleList(val=[1.5])), "s": Value(string_val="")}
    entity_keys = [
        EntityKey(join_keys=["a", "b"], entity_values=[Value(string_val="x"), Value(int64_val=i)]) for i in range(3)
    ]
    online = feast._get_provider().online_store
    data = [(entity_keys[0], full, at(1), None), (entity_keys[1], {"n": Value()}, at(1).replace(tzinfo=None), None)]
    seen: list[int] = []
    online.online_write_batch(feast.config, view, data, seen.append)
    empty = dict.fromkeys(full, Value())
    assert seen == [2]
    assert online.online_read(feast.config, view, entity_keys) == [(at(1), full), (at(1), empty), (None, None)]
    assert online.online_read(feast.config, view, entity_keys[:1], ["s"]) == [(at(1), {"s": full["s"]})]
    online.teardown(feast.config, [view], entities)
    assert online.online_read(feast.config, view, entity_keys) == [(None, None)] * 3


def test_projects_keep_their_keys(feast: Any) -> None:
    from feast.protos.feast.types.Value_pb2 import Value

    online, view = feast._get_provider().online_store, feast.get_feature_view("indicators_1d")
    configs = [feast.config.model_copy(update={"project": name}) for name in ("prod", "nonprod", "prod2")]
    [key] = keys = entity_key("KEPT")
    for config in configs:
        online.online_write_batch(config, view, [(key, {"sma_20": Value(double_val=1.0)}, at(1), None)], None)
    online.update(configs[0], [view], [], [], [], partial=False)
    held = [online.online_read(config, view, keys)[0][0] is not None for config in configs]
    assert held == [False, True, True]
