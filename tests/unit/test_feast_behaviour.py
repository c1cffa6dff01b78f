"""Feast's ways to fill and to ask an online store, through its public API, on both stores: materialize, push, async."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.unit.catalogue import DAY, customer, driver, feature_store, pairs, ride_rows, rides, values, weather

# Feast asks for whole seconds
LAST = datetime.now(UTC).replace(microsecond=0)
C = [{"customer_id": f"c{i}"} for i in range(4)]


@pytest.fixture(params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/online.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    store = feature_store(tmp_path, str(url))
    store.apply([driver(), customer(), rides(tmp_path, ttl=30 * DAY), pairs(tmp_path), weather(tmp_path)])
    return store


def tips(feast: Any, count: int = 3) -> list[Any]:
    return values(feast, ["rides:tip"], C[:count])["tip"]


def log_of_rides(folder: Path) -> None:
    """Ten days of three customers: the tip is the day, the newest last."""
    days = [ride_rows(3, when=LAST - day * DAY).assign(tip=float(10 - day)) for day in range(9, -1, -1)]
    pd.concat(days).to_parquet(folder / "rides.parquet", index=False)


def test_write_and_read(feast: Any) -> None:
    feast.write_to_online_store("rides", ride_rows(3))
    assert values(feast, ["rides:fare", "rides:city"], C) == {
        "customer_id": ["c0", "c1", "c2", "c3"], "fare": [0.0, 1 / 7, 2 / 7, None], "city": ["", "Ægir", None, None]
    }  # fmt: skip


def test_partial_features_and_full_names(feast: Any) -> None:
    feast.write_to_online_store("rides", ride_rows(1))
    assert values(feast, ["rides:tip"], C[:1]) == {"customer_id": ["c0"], "tip": [5e-324]}
    full = values(feast, ["rides:tip", "rides:trips"], C[:1], full_feature_names=True)
    assert full == {"customer_id": ["c0"], "rides__tip": [5e-324], "rides__trips": [2**52]}


def test_an_unknown_feature_is_feasts_own_error(feast: Any) -> None:
    from feast.errors import FeatureViewNotFoundException

    with pytest.raises(Exception, match="nothing"):
        values(feast, ["rides:nothing"], C)
    with pytest.raises(FeatureViewNotFoundException):
        values(feast, ["nowhere:tip"], C)


def test_a_batch_with_an_entity_twice_keeps_its_newest(feast: Any) -> None:
    times = [LAST, LAST - DAY, LAST - 2 * DAY]
    feast.write_to_online_store(
        "rides", ride_rows(3).assign(customer_id="c0", event_timestamp=times, tip=[1.0, 2.0, 3.0])
    )
    assert tips(feast, 1) == [1.0]


def test_writing_no_rows(feast: Any) -> None:
    online, table = feast._get_provider().online_store, feast.get_feature_view("rides")
    seen: list[int] = []
    online.online_write_batch(feast.config, table, [], seen.append)
    assert seen == [0]
    assert online.online_read(feast.config, table, []) == []


def test_materialize(feast: Any, tmp_path: Path) -> None:
    log_of_rides(tmp_path)
    feast.materialize(LAST - 9 * DAY, LAST - 4 * DAY, feature_views=["rides"])
    assert tips(feast, 4) == [6.0, 6.0, 6.0, None]
    feast.materialize(LAST - 9 * DAY, LAST, feature_views=["rides"])
    assert tips(feast) == [10.0] * 3
    feast.materialize(LAST - 9 * DAY, LAST - 4 * DAY, feature_views=["rides"])  # an old range, again
    assert tips(feast) == [10.0] * 3


def test_materialize_incremental(feast: Any, tmp_path: Path) -> None:
    log_of_rides(tmp_path)
    feast.materialize_incremental(LAST - 4 * DAY, feature_views=["rides"])
    assert tips(feast) == [6.0] * 3
    feast.materialize_incremental(LAST, feature_views=["rides"])
    assert tips(feast) == [10.0] * 3


def test_materialize_a_view_without_entity(feast: Any, tmp_path: Path) -> None:
    frame = pd.DataFrame({"event_timestamp": [LAST - DAY, LAST], "rain": [1.0, 2.0], "sky": ["blue", "grey"]})
    frame.to_parquet(tmp_path / "weather.parquet")
    feast.materialize(LAST - 2 * DAY, LAST, feature_views=["weather"])
    found = values(feast, ["weather:rain", "weather:sky"], [{"customer_id": "anybody"}] * 2)
    assert (found["rain"], found["sky"]) == ([2.0, 2.0], ["grey", "grey"])


def test_push_online(feast: Any) -> None:
    feast.push("rides_push", ride_rows(3))
    assert tips(feast) == [5e-324, -0.0, 5e-324]
    feast.push("rides_push", ride_rows(3, when=LAST - 3 * DAY, tip=9.0))
    assert tips(feast) == [5e-324, -0.0, 5e-324]


def test_push_online_and_offline(feast: Any, tmp_path: Path) -> None:
    from feast.data_source import PushMode

    log_of_rides(tmp_path)
    columns = list(pd.read_parquet(tmp_path / "rides.parquet").columns)
    rows = ride_rows(3, when=LAST + timedelta(seconds=1), tip=11.0)[columns].assign(city="here", trips=1)
    feast.push("rides_push", rows, to=PushMode.OFFLINE)
    assert len(pd.read_parquet(tmp_path / "rides.parquet")) == 33
    assert tips(feast) == [None] * 3
    feast.push("rides_push", rows, to=PushMode.ONLINE_AND_OFFLINE)
    assert len(pd.read_parquet(tmp_path / "rides.parquet")) == 36
    assert tips(feast) == [11.0] * 3


def test_async_push_write_and_read(feast: Any) -> None:
    async def all_ways() -> list[Any]:
        await feast.push_async("rides_push", ride_rows(2))
        await feast.write_to_online_store_async("rides", ride_rows(3))
        answer = await feast.get_online_features_async(["rides:tip"], C[:3])
        await feast._get_provider().online_store.close()
        return list(answer.to_dict()["tip"])

    supported = feast._get_provider().async_supported.online
    assert (supported.read, supported.write) == (True, True)
    assert asyncio.run(all_ways()) == [5e-324, -0.0, 5e-324]
    assert tips(feast) == [5e-324, -0.0, 5e-324]  # closed, and opened again


def test_async_writers_at_once_lose_nothing(feast: Any) -> None:
    async def write() -> None:
        turns = [ride_rows(3, when=LAST - minute * timedelta(minutes=1), tip=float(-minute)) for minute in range(20)]
        await asyncio.gather(*(feast.write_to_online_store_async("rides", turn) for turn in turns))

    asyncio.run(write())
    assert tips(feast) == [0.0] * 3


def test_a_service_to_be_precomputed_is_an_error_and_no_empty_answer(feast: Any, tmp_path: Path) -> None:
    """Feast precomputes in its own Redis class only; here the same service without `precompute_online` is as fast."""
    from feast import FeatureService

    feast.apply([FeatureService(name="s", features=[rides(tmp_path)], precompute_online=True)])
    feast.write_to_online_store("rides", ride_rows(2))
    with pytest.raises(RuntimeError, match="precompute_online=True"):
        feast.get_online_features(feast.get_feature_service("s"), C[:2])
    feast.apply([FeatureService(name="s", features=[rides(tmp_path)])])
    assert feast.get_online_features(feast.get_feature_service("s"), C[:2]).to_dict()["tip"] == [5e-324, -0.0]


def test_many_threads_open_one_store(feast: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from feature_repo.stores import online as module

    opened: list[str] = []
    honest = module.open_store

    def slowly(url: str) -> Any:
        opened.append(url)
        time.sleep(0.05)  # long enough for the others to come
        return honest(url)

    monkeypatch.setattr(module, "open_store", slowly)
    fresh = module.VectorOnlineStore()
    with ThreadPoolExecutor(8) as threads:
        found = set(threads.map(lambda _: id(fresh._open(feast.config)), range(64)))
    assert (len(found), len(opened)) == (1, 1)
    fresh._open(feast.config).close()
