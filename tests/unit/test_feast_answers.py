"""`get_online_features` of our class is byte for byte what Feast's own code makes of the same rows."""

import asyncio
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.unit.catalogue import DAY, NOW, customer, driver, feature_store, pairs, ride_rows, rides, values, weather
from tests.unit.serving import keys_of

RIDES = ["rides:fare", "rides:tip", "rides:city", "rides:trips"]
EVERYONE = [{"customer_id": f"c{i}", "driver_id": i % 3} for i in [5, 0, 0, 299, 300, 1, 5, 999]]


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three views, filled: 300 customers, three drivers with some of them, one row of weather."""
    from feast import FeatureService, Field, RequestSource
    from feast.on_demand_feature_view import on_demand_feature_view
    from feast.protos.feast.types.Value_pb2 import Value
    from feast.types import Float64

    folder = tmp_path_factory.mktemp(request.param)
    url = f"sqlite:///{folder}/online.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    store = feature_store(folder, str(url))
    by_customer, by_pair, by_none = rides(folder), pairs(folder), weather(folder)

    @on_demand_feature_view(
        sources=[by_customer, RequestSource(name="ask", schema=[Field(name="factor", dtype=Float64)])],
        schema=[Field(name="scaled", dtype=Float64)],
        mode="pandas",
    )
    def scaled(frame: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"scaled": frame["fare"] * frame["factor"]})

    service = FeatureService(name="all", features=[by_pair, by_customer[["city", "fare"]], by_none])
    aliased = FeatureService(name="aliased", features=[by_customer.with_name("trip")[["tip"]]])
    store.apply([driver(), customer(), by_customer, by_pair, by_none, scaled, service, aliased])
    store.write_to_online_store("rides", ride_rows(300))
    some = [{"driver_id": i % 3, "customer_id": f"c{i}", "score": i / 3, "event_timestamp": NOW} for i in range(6)]
    store.write_to_online_store("pairs", pd.DataFrame(some))
    row = {"rain": Value(double_val=0.25), "sky": Value(string_val="grey")}  # Feast itself only materializes such views
    [nobody] = keys_of(__dummy_id=[""])
    store._get_provider().online_store.online_write_batch(store.config, by_none, [(nobody, row, NOW, None)], None)
    return store


def both(feast: Any, monkeypatch: pytest.MonkeyPatch, *arguments: Any, **more: Any) -> tuple[Any, Any]:
    """The response that we make, and the one that Feast's own code makes of `online_read`."""
    from feast.infra.online_stores.online_store import OnlineStore

    ours = feast.get_online_features(*arguments, **more).proto
    with monkeypatch.context() as patch:
        patch.setattr(
            feast._get_provider().online_store.__class__, "_read_features_per_fv", OnlineStore._read_features_per_fv
        )
        return ours, feast.get_online_features(*arguments, **more).proto


@pytest.mark.parametrize(
    "references",
    [
        RIDES,
        RIDES[2:0:-1],
        [*RIDES, "pairs:score"],
        ["weather:sky", *RIDES, "weather:rain", "pairs:score"],
        ["rides:fare", "scaled:scaled"],
    ],
    ids=["all", "some, in another order", "two views", "three views", "on demand"],
)
@pytest.mark.parametrize("full_names", [False, True])
@pytest.mark.parametrize("versions", [False, True])
def test_every_answer_is_feasts_own(
    feast: Any, monkeypatch: pytest.MonkeyPatch, references: list[str], full_names: bool, versions: bool
) -> None:
    more = {"full_feature_names": full_names, "include_feature_view_version_metadata": versions}
    rows = EVERYONE
    if "scaled:scaled" in references:
        rows = [{**row, "factor": 2.0} for row in rows]
    if not any("pairs" in reference for reference in references):
        rows = [{name: row[name] for name in row if name != "driver_id"} for row in rows]
    ours, feasts = both(feast, monkeypatch, references, rows, **more)
    assert len(ours.results) > len(references)
    assert ours == feasts
    assert ours.SerializeToString(deterministic=True) == feasts.SerializeToString(deterministic=True)


@pytest.mark.parametrize("name", ["all", "aliased"])
@pytest.mark.parametrize("full_names", [False, True])
def test_feature_services(feast: Any, monkeypatch: pytest.MonkeyPatch, name: str, full_names: bool) -> None:
    service = feast.get_feature_service(name)
    rows = EVERYONE if name == "all" else [{"customer_id": "c7"}]
    ours, feasts = both(feast, monkeypatch, service, rows, full_feature_names=full_names)
    assert ours == feasts


def test_a_view_without_entity(feast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {"customer_id": ["c0", "c1"]}
    ours, feasts = both(feast, monkeypatch, ["weather:rain", "rides:tip"], rows)
    assert ours == feasts
    assert feast.get_online_features(["weather:sky", "rides:tip"], rows).to_dict()["sky"] == ["grey", "grey"]


@pytest.mark.parametrize("count", [1, 127, 128, 300])
def test_columns_of_every_length(feast: Any, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    rows = [{"customer_id": f"c{i}"} for i in range(count)]
    ours, feasts = both(feast, monkeypatch, RIDES, rows)
    assert ours == feasts
    assert feast.get_online_features(RIDES, rows).to_df().shape == (count, 5)


def test_async_answers_are_the_same(feast: Any) -> None:
    rows = [{"customer_id": f"c{i}"} for i in range(40)]

    async def ask() -> list[Any]:
        return await asyncio.gather(*(feast.get_online_features_async(RIDES, [row]) for row in rows))

    answers = [answer.proto for answer in asyncio.run(ask())]
    assert answers == [feast.get_online_features(RIDES, [row]).proto for row in rows]


def test_online_read_async(feast: Any) -> None:
    online, table = feast._get_provider().online_store, feast.get_feature_view("rides")
    found = asyncio.run(online.online_read_async(feast.config, table, keys_of(customer_id=["c1", "nobody"]), ["tip"]))
    assert found == online.online_read(feast.config, table, keys_of(customer_id=["c1", "nobody"]), ["tip"])
    assert [time for time, _ in found] == [NOW, None]


def test_one_trip_for_all_views(feast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    store = feast._get_provider().online_store._open(feast.config)
    trips: list[Any] = []
    honest = store.read_many
    monkeypatch.setattr(store, "read_many", lambda *arguments: trips.append(arguments) or honest(*arguments))
    monkeypatch.setattr(store, "read", None)
    feast.get_online_features([*RIDES, "pairs:score", "weather:sky"], EVERYONE)
    assert len(trips) == 1


@pytest.mark.parametrize(("age", "status"), [(DAY / 2, "PRESENT"), (DAY * 2, "OUTSIDE_MAX_AGE")])
def test_time_to_live(feast: Any, tmp_path: Path, age: Any, status: str) -> None:
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    short = rides(tmp_path, ttl=DAY)
    other = feature_store(tmp_path, feast.config.online_store.url)
    other.apply([customer(), short])
    rows = ride_rows(2, when=NOW - age)
    other.write_to_online_store("rides", rows)
    answer = other.get_online_features(RIDES, [{"customer_id": name} for name in ("c0", "c1", "c2")])
    statuses = [[FieldStatus.Name(each) for each in result.statuses] for result in answer.proto.results[1:]]
    assert statuses == [[status, status, "NOT_FOUND"]] * 4
    assert answer.to_dict()["tip"] == ([5e-324, -0.0, None] if status == "PRESENT" else [None] * 3)
    times = [time.ToMicroseconds() for time in answer.proto.results[1].event_timestamps]
    assert times[2] == 0
    assert times[0] == times[1] == round((NOW - age).timestamp() * 1_000_000)
    online = other._get_provider().online_store
    read = online.online_read(other.config, short, keys_of(customer_id=["c0"]))
    assert (read[0][0] is None) == (status != "PRESENT")


def test_a_value_expires_while_it_lies_there(feast: Any, tmp_path: Path) -> None:
    """The same row, asked for under two lives."""
    from datetime import timedelta

    other = feature_store(tmp_path, feast.config.online_store.url)
    other.apply([customer(), rides(tmp_path, ttl=timedelta(days=3))])
    other.write_to_online_store("rides", ride_rows(1, when=NOW - 2 * DAY))
    assert values(other, ["rides:tip"], [{"customer_id": "c0"}])["tip"] == [5e-324]
    other.apply([customer(), rides(tmp_path, ttl=timedelta(days=1))])
    assert values(other, ["rides:tip"], [{"customer_id": "c0"}])["tip"] == [None]
