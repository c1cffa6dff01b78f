"""A small Feast repo of everything: keys of one and two columns and of none, every type, services, on-demand views."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

NOW = datetime.now(UTC).replace(microsecond=123_456)
DAY = timedelta(days=1)


def feature_store(folder: Path, url: str = "", project: str = "", **online: Any) -> Any:
    """A FeatureStore of a project of its own on the store at `url`, or of that configuration; nothing applied."""
    from feast import FeatureStore, RepoConfig

    online = online or {"type": "feature_repo.stores.online.VectorOnlineStore", "url": url}
    project = project or f"p{uuid4().hex[:12]}"
    config = RepoConfig(
        project=project,
        provider="local",
        registry=str(folder / f"{project}.db"),
        online_store=online,
        entity_key_serialization_version=3,
    )
    return FeatureStore(config=config)


def view(name: str, entities: list[Any], fields: dict[str, Any], folder: Path, **more: Any) -> Any:
    """A view of these fields (name to Feast type), with a push source over a Parquet file that need not be there."""
    from feast import FeatureView, Field, FileSource, PushSource

    log = FileSource(name=f"{name}_log", path=str(folder / f"{name}.parquet"), timestamp_field="event_timestamp")
    schema = [Field(name=field, dtype=dtype) for field, dtype in fields.items()]
    source = PushSource(name=f"{name}_push", batch_source=log)
    return FeatureView(name=name, entities=entities, schema=schema, source=source, **more)


def driver() -> Any:
    from feast import Entity, ValueType

    return Entity(name="driver", join_keys=["driver_id"], value_type=ValueType.INT64)


def customer() -> Any:
    from feast import Entity, ValueType

    return Entity(name="customer", join_keys=["customer_id"], value_type=ValueType.STRING)


def rides(folder: Path, **more: Any) -> Any:
    """By customer: two numbers, a text, a count."""
    from feast.types import Float64, Int64, String

    fields = {"fare": Float64, "tip": Float64, "city": String, "trips": Int64}
    return view("rides", [customer()], {"customer_id": String, **fields}, folder, **more)


def pairs(folder: Path, **more: Any) -> Any:
    """By driver and customer."""
    from feast.types import Float64, Int64, String

    keys = {"driver_id": Int64, "customer_id": String}
    return view("pairs", [driver(), customer()], {**keys, "score": Float64}, folder, **more)


def weather(folder: Path, **more: Any) -> Any:
    """By nothing: one row for all."""
    from feast.types import Float64, String

    return view("weather", [], {"rain": Float64, "sky": String}, folder, **more)


def ride_rows(count: int, when: datetime = NOW, **columns: Any) -> pd.DataFrame:
    """Rows of customers c0, c1, ...: some values missing."""
    frame = pd.DataFrame({"customer_id": [f"c{i}" for i in range(count)], "event_timestamp": [when] * count})
    frame["fare"] = [None if i % 5 == 4 else i / 7 for i in range(count)]
    frame["tip"] = [-0.0 if i % 2 else 5e-324 for i in range(count)]
    frame["city"] = [None if i % 3 == 2 else "Ægir" * (i % 50) for i in range(count)]
    frame["trips"] = pd.array([None if i % 4 == 3 else 2**52 + i for i in range(count)], "Int64")
    return frame.assign(**columns)


def values(feast: Any, references: Any, rows: list[dict[str, Any]], **more: Any) -> dict[str, list[Any]]:
    """What `get_online_features` answers, as plain Python."""
    found: dict[str, list[Any]] = feast.get_online_features(references, rows, **more).to_dict()
    return found
