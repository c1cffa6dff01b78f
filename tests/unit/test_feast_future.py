"""A row from the future is refused and kept as a dead letter; its neighbours are written. On both stores."""

import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from feature_repo.stores import open_store
from schemas.settings import parse_duration, settings
from tests.unit.catalogue import customer, feature_store, ride_rows, rides, values
from tests.unit.serving import us


@pytest.fixture(params=["sqlite", "redis"])
def feast(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    url = f"sqlite:///{tmp_path}/online.db" if request.param == "sqlite" else request.getfixturevalue("redis_url")
    store = feature_store(tmp_path, str(url))
    store.apply([customer(), rides(tmp_path)])
    return store


def test_rows_from_the_future(feast: Any, caplog: pytest.LogCaptureFixture) -> None:
    now = datetime.now(UTC)
    bound = timedelta(microseconds=parse_duration(settings().bars.max_future))
    times = [now, now + bound / 2, now + 2 * bound, now + timedelta(days=365 * 400)]
    frame = ride_rows(4).assign(event_timestamp=pd.array(times, "datetime64[us, UTC]"))
    with caplog.at_level(logging.WARNING, "feature_repo.stores.online"):
        feast.write_to_online_store("rides", frame)
    asked = [{"customer_id": f"c{i}"} for i in range(4)]
    assert values(feast, ["rides:tip"], asked)["tip"] == [5e-324, -0.0, None, None]
    store = open_store(feast.config.online_store.url)
    refused = store.refused(feast.project, "rides")
    store.close()
    assert [(each.entity, each.event_time) for each in refused] == [("c2", us(times[2])), ("c3", us(times[3]))]
    assert all("ahead of the clock" in each.reason for each in refused)
    assert json.loads(refused[0].values) == {"fare": 2 / 7, "tip": 5e-324, "city": None, "trips": str(2**52 + 2)}
    assert [record.getMessage() for record in caplog.records] == ["rides: 2 of 4 rows from the future refused"]


def test_a_row_from_the_future_hides_no_other_of_its_entity(feast: Any) -> None:
    now = datetime.now(UTC)
    frame = ride_rows(2).assign(customer_id="c", event_timestamp=[now + timedelta(days=1), now], tip=[1.0, 2.0])
    feast.write_to_online_store("rides", frame)
    assert values(feast, ["rides:tip"], [{"customer_id": "c"}])["tip"] == [2.0]


def test_only_rows_from_the_future(feast: Any) -> None:
    feast.write_to_online_store("rides", ride_rows(3, when=datetime.now(UTC) + timedelta(days=1)))
    assert values(feast, ["rides:tip"], [{"customer_id": "c1"}])["tip"] == [None]
