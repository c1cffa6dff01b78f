"""Feast's online store interface over packed vectors: VectorOnlineStore, and one class each for Redis and SQLite.

In: Feast's protobuf values and views. Out: the same vectors that the features job writes. Must not know: features,
Flink, or how a store compares.

Feast's writers hold no fence. A row wins if its event time is newer; at an equal event time if its created time is not
older, or if one of the two has none (the later write). Decided on what was read, and swapped in only if that is still
there, else decided again: two writers at once lose nothing. At a newer event time the vector gets fence 0, so that the
features job's own vector of that bar still wins; at an equal one it keeps fence and revision of the vector it replaces,
so that the job's next revision still wins.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from feast import Entity, FeatureView, RepoConfig, ValueType
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.registry.file import FileRegistryStore
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RegistryConfig

from feature_repo.stores import Store, open_store
from schemas.errors import ConfigError
from schemas.settings import state_dir, store_url
from udfs.vector import Kind, Layout, Stamp, stamp

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MISSING = Value()
KINDS: dict[ValueType, Kind] = {ValueType.DOUBLE: "f8", ValueType.STRING: "str"}

FeastRow = tuple[EntityKey, dict[str, Value], datetime, datetime | None]
FeastRead = tuple[datetime | None, dict[str, Value] | None]


class Row(NamedTuple):
    """One row to write: int64 microseconds UTC (created 0: none given), and the values by field name."""

    event_time: int
    created: int
    values: dict[str, Value]


class StateFolderRegistryStore(FileRegistryStore):  # type: ignore[misc]
    """Feast's registry file, in Tickloom's state folder whatever the current directory is."""

    def __init__(self, registry_config: RegistryConfig, repo_path: Path) -> None:
        folder = state_dir()
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(registry_config, folder)


class VectorOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """`url`: redis://host:port/db or sqlite:///path; empty: the store of Tickloom's settings, which the jobs write."""

    type: Literal["feature_repo.stores.online.VectorOnlineStore"] = "feature_repo.stores.online.VectorOnlineStore"
    url: str = ""


class VectorOnlineStore(OnlineStore):  # type: ignore[misc]
    """Packed vectors wherever the address says, for `online_store: type:` of a feature_store.yaml."""

    _store: Store | None = None

    def _url(self, config: RepoConfig) -> str:
        return str(config.online_store.url) or store_url()

    def _open(self, config: RepoConfig) -> Store:
        if self._store is None:
            self._store = open_store(self._url(config))
        return self._store

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[FeastRow], progress: Callable[[int], Any] | None
    ) -> None:
        """Write the newest row of each entity, if it is newer than what the store holds; all fields at once."""
        pending, layout, store = _newest(data), layout_of(table), self._open(config)
        while pending:
            found = dict(zip(pending, store.read(config.project, table.name, list(pending)), strict=True))
            ranks = {entity: _rank(row, found[entity]) for entity, row in pending.items()}
            stamps = {entity: rank for entity, rank in ranks.items() if rank}
            vectors = _packed(layout, [pending[entity] for entity in stamps], list(stamps.values()))
            expected = [found[entity] for entity in stamps]
            swapped = store.swap(config.project, table.name, list(stamps), expected, vectors)
            pending = {entity: pending[entity] for entity, done in zip(stamps, swapped, strict=True) if not done}
        if progress:
            progress(len(data))

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[FeastRead]:
        """Event time (UTC) and values of each entity, in one round trip; (None, None) for one that is not there."""
        layout = layout_of(table)
        vectors = self._open(config).read(config.project, table.name, [entity_text(key) for key in entity_keys])
        columns = layout.unpack(vectors)
        wanted = [field for field in layout.fields if requested_features is None or field[0] in requested_features]
        names = [name for name, _ in wanted]
        values = zip(*(_column(layout, columns.values, columns.strings, field) for field in wanted), strict=True)
        rows = [dict(zip(names, row, strict=True)) for row in values] or [dict[str, Value]()] * len(vectors)
        times = [EPOCH + time * MICROSECOND for time in columns.event_time.tolist()]
        present = columns.present.tolist()
        return [(t, row) if there else (None, None) for t, row, there in zip(times, rows, present, strict=True)]

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Forget the views that `feast apply` no longer finds, in this project only."""
        self.teardown(config, tables_to_delete, entities_to_delete)

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Forget these views in this project only."""
        for table in tables:
            self._open(config).delete(config.project, table.name)


class RedisVectorOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """`connection_string`: redis://host:port/db; empty: the address in Tickloom's settings."""

    type: Literal["feature_repo.stores.online.RedisVectorOnlineStore"] = (
        "feature_repo.stores.online.RedisVectorOnlineStore"
    )
    connection_string: str = ""


class RedisVectorOnlineStore(VectorOnlineStore):
    """Packed vectors in Redis, and nowhere else."""

    def _url(self, config: RepoConfig) -> str:
        url = str(config.online_store.connection_string) or store_url()
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise ConfigError(f"{url!r} is no Redis address", hint="set TICKLOOM_STORE__URL to redis://host:port/db")
        return url


class SqliteVectorOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """`path`: a file, relative to the feature repo; empty: online.db in Tickloom's state folder."""

    type: Literal["feature_repo.stores.online.SqliteVectorOnlineStore"] = (
        "feature_repo.stores.online.SqliteVectorOnlineStore"
    )
    path: str = ""


class SqliteVectorOnlineStore(VectorOnlineStore):
    """Packed vectors in one SQLite file, whatever store the settings name."""

    def _url(self, config: RepoConfig) -> str:
        path = Path(str(config.online_store.path) or state_dir() / "online.db")
        return f"sqlite:///{(config.repo_path or Path()) / path}"


def layout_of(table: FeatureView) -> Layout:
    """The vector layout of a Feast view: doubles and strings as they are, any other type as its protobuf bytes."""
    return Layout(table.name, tuple((f.name, KINDS.get(f.dtype.to_value_type(), "bytes")) for f in table.features))


def entity_text(key: EntityKey) -> str:
    """The entity's name in the store: the value of a single string key, else Feast's serialised key in hex."""
    if len(key.join_keys) == 1 and key.entity_values[0].HasField("string_val"):
        return str(key.entity_values[0].string_val)
    return str(serialize_entity_key(key, entity_key_serialization_version=3).hex())


def _newest(data: list[FeastRow]) -> dict[str, Row]:
    """The row of each entity that wins if all are written in order."""
    newest: dict[str, Row] = {}
    for key, values, event_time, created in data:
        entity, row = entity_text(key), Row(_micros(event_time), _micros(created) if created else 0, values)
        newest[entity] = _follow(row, newest.get(entity)) or newest[entity]
    return newest


def _follow(new: Row, old: Row | Stamp | None) -> Row | None:
    """The new row, which takes over the created time if it has none of its own; None if the old one stays."""
    if old is None or new.event_time > old.event_time:
        return new
    if new.event_time < old.event_time or (new.created and new.created < old.created):
        return None
    return new._replace(created=new.created or old.created)


def _rank(row: Row, vector: bytes | None) -> Stamp | None:
    """The stamp with which a row replaces an entity's vector; None if it does not."""
    old = stamp(vector) if vector else None
    new = _follow(row, old)
    if new is None:
        return None
    fence, revision = (old.fence, old.revision) if old and old.event_time == new.event_time else (0, 0)
    return Stamp(new.event_time, fence, revision, new.created)


def _packed(layout: Layout, rows: list[Row], stamps: list[Stamp]) -> list[bytes]:
    numbers = [[_number(row.values.get(name, MISSING)) for name in layout.numbers] for row in rows]
    values = np.array(numbers, np.float64).reshape(len(rows), len(layout.numbers))
    texts = [[_text(row.values.get(name, MISSING), kind) for row in rows] for name, kind in layout.texts]
    event_time, fence, revision, created = np.array(stamps, np.int64).reshape(-1, 4).T
    return layout.pack(event_time, fence, revision, created, values, texts)


def _number(value: Value) -> float:
    kind = value.WhichOneof("val")
    return float(getattr(value, kind)) if kind else np.nan


def _text(value: Value, kind: Kind) -> str | bytes | None:
    if value.WhichOneof("val") is None:
        return None
    return str(value.string_val) if kind == "str" else bytes(value.SerializeToString())


def _column(layout: Layout, values: Any, strings: list[list[Any]], field: tuple[str, Kind]) -> list[Value]:
    """One field of all entities as Feast's values; a missing one is unset."""
    name, kind = field
    if kind == "f8":
        numbers = values[:, layout.numbers.index(name)].tolist()
        return [Value(double_val=number) if not isnan(number) else MISSING for number in numbers]
    texts = strings[layout.texts.index(field)]
    if kind == "str":
        return [MISSING if text is None else Value(string_val=text) for text in texts]
    return [MISSING if text is None else Value.FromString(text) for text in texts]


def _micros(time: datetime) -> int:
    """Microseconds since 1970 UTC; a time without zone is UTC, as Feast says."""
    return ((time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH) // MICROSECOND
