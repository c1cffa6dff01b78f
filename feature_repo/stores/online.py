"""Feast's online store interface over packed vectors: VectorOnlineStore, and one class each for Redis and SQLite.

In: Feast's protobuf values and views. Out: the same vectors that the features job writes. Must not know: features,
Flink, or how a store compares.

Which row wins is decided (stores.rows) on what was read, and swapped in only if that is still there, else decided
again: two writers at once lose nothing.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from feast import Entity, FeatureView, RepoConfig
from feast.infra.online_stores.online_store import OnlineStore
from feast.infra.registry.file import FileRegistryStore
from feast.infra.supported_async_methods import SupportedAsyncMethods
from feast.protos.feast.serving.ServingService_pb2 import FieldStatus, GetOnlineFeaturesResponse
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.repo_config import FeastConfigBaseModel, RegistryConfig

from feature_repo.stores import Store, open_store
from feature_repo.stores.address import redis_urls
from feature_repo.stores.response import add_names, add_values, count_statuses, statuses, unique_entities
from feature_repo.stores.rows import (
    EPOCH,
    MICROSECOND,
    FeastRead,
    FeastRow,
    entity_text,
    layout_of,
    newest,
    packed,
    rank,
    sorted_out,
    values_of,
)
from schemas.errors import StoreError
from schemas.settings import parse_duration, settings, state_dir, store_url
from udfs.vector import Layout, UnknownSchema, Vectors

log = logging.getLogger(__name__)

OPENING = threading.Lock()

Progress = Callable[[int], Any] | None


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

    @property
    def async_supported(self) -> SupportedAsyncMethods:
        """Both, each in a thread: the feature server's loop goes on meanwhile."""
        return SupportedAsyncMethods(read=True, write=True)

    def _urls(self, config: RepoConfig) -> list[str]:
        return [str(config.online_store.url) or store_url()]

    def _open(self, config: RepoConfig) -> Store:
        """The store at the first address that answers; opened once, however many threads ask."""
        with OPENING:
            if self._store is None:
                self._store = _first(self._urls(config))
            return self._store

    def online_write_batch(
        self, config: RepoConfig, table: FeatureView, data: list[FeastRow], progress: Progress
    ) -> None:
        """Write the newest row of each entity, if it is newer than what the store holds; all fields at once.

        A row from further in the future than bars.max_future is refused: it goes to the store's dead letters.
        """
        layout, store = layout_of(table), self._open(config)
        sound, refusals = sorted_out(data, parse_duration(settings().bars.max_future))
        if refusals:
            store.refuse(config.project, table.name, refusals)
            log.warning("%s: %d of %d rows from the future refused", table.name, len(refusals), len(data))
        store.describe(config.project, layout)
        pending = newest(sound)
        while pending:
            found = dict(zip(pending, store.read(config.project, table.name, list(pending)), strict=True))
            ranks = {entity: rank(row, found[entity]) for entity, row in pending.items()}
            stamps = {entity: wins for entity, wins in ranks.items() if wins}
            vectors = packed(layout, [pending[entity] for entity in stamps], list(stamps.values()))
            expected = [found[entity] for entity in stamps]
            swapped = store.swap(config.project, table.name, list(stamps), expected, vectors)
            pending = {entity: pending[entity] for entity, done in zip(stamps, swapped, strict=True) if not done}
        if progress:
            progress(len(data))

    async def online_write_batch_async(
        self, config: RepoConfig, table: FeatureView, data: list[FeastRow], progress: Progress
    ) -> None:
        """`online_write_batch` in a thread."""
        await asyncio.to_thread(self.online_write_batch, config, table, data, progress)

    def online_read(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[FeastRead]:
        """Event time (UTC) and values of each entity, in one round trip; (None, None) where none or older than ttl."""
        layout = layout_of(table)
        columns = self._columns(config, [(layout, [entity_text(key) for key in entity_keys])])[0]
        names = [name for name, _ in layout.fields] if requested_features is None else requested_features
        times = [EPOCH + us * MICROSECOND for us in columns.event_time.tolist()]
        rows = values_of(layout, columns, names)
        shown = (statuses(table, columns) == FieldStatus.PRESENT).tolist()
        return [(time, row) if there else (None, None) for time, row, there in zip(times, rows, shown, strict=True)]

    async def online_read_async(
        self,
        config: RepoConfig,
        table: FeatureView,
        entity_keys: list[EntityKey],
        requested_features: list[str] | None = None,
    ) -> list[FeastRead]:
        """`online_read` in a thread."""
        return await asyncio.to_thread(self.online_read, config, table, entity_keys, requested_features)

    def _columns(self, config: RepoConfig, wanted: Sequence[tuple[Layout, list[str]]]) -> list[Vectors]:
        """The vectors of several views' entities, in one round trip; one more if a view had other fields before."""
        store = self._open(config)
        found = store.read_many(config.project, [(layout.view, entities) for layout, entities in wanted])
        return [_unpacked(store, config.project, layout, each) for (layout, _), each in zip(wanted, found, strict=True)]

    def _read_features_per_fv(
        self,
        config: RepoConfig,
        grouped_refs: list[tuple[FeatureView, list[str]]],
        join_key_values: dict[str, list[Value]],
        entity_name_to_join_key_map: dict[str, str],
        online_features_response: GetOnlineFeaturesResponse,
        full_feature_names: bool,
        include_feature_view_version_metadata: bool,
    ) -> None:
        """What `get_online_features` reads, of all views at once; Feast's own code does all before and after it."""
        response, versions = online_features_response, include_feature_view_version_metadata
        asked = [unique_entities(table, join_key_values, entity_name_to_join_key_map) for table, _ in grouped_refs]
        layouts = [layout_of(table) for table, _ in grouped_refs]
        found = self._columns(config, [(layout, names) for layout, (names, _) in zip(layouts, asked, strict=True)])
        for (table, features), layout, columns, (_, rows) in zip(grouped_refs, layouts, found, asked, strict=True):
            add_names(response, table, features, full_feature_names, versions)
            status = statuses(table, columns)
            add_values(response, features, layout, columns, status, rows)
            count_statuses(table, features, status, rows)

    async def _read_features_per_fv_async(self, *arguments: Any, **keywords: Any) -> None:
        """The same in a thread, for `get_online_features_async`."""
        await asyncio.to_thread(self._read_features_per_fv, *arguments, **keywords)

    def update(
        self,
        config: RepoConfig,
        tables_to_delete: Sequence[FeatureView],
        tables_to_keep: Sequence[FeatureView],
        entities_to_delete: Sequence[Entity],
        entities_to_keep: Sequence[Entity],
        partial: bool,
    ) -> None:
        """Forget the views that `feast apply` no longer finds, in this project only; remember the others' fields."""
        self.teardown(config, self._dropped(config, tables_to_delete), entities_to_delete)
        for table in tables_to_keep:
            self._open(config).describe(config.project, layout_of(table))

    def teardown(self, config: RepoConfig, tables: Sequence[FeatureView], entities: Sequence[Entity]) -> None:
        """Forget these views in this project only."""
        for table in tables:
            self._open(config).delete(config.project, table.name)

    def _dropped(self, config: RepoConfig, tables: Sequence[FeatureView]) -> Sequence[FeatureView]:
        """Which views that `feast apply` no longer finds are forgotten."""
        return tables

    async def close(self) -> None:
        """Let go of the connections."""
        if self._store is not None:
            self._store.close()
            self._store = None


class RedisVectorOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """`connection_string`: redis://host:port/db, or as for Feast's own Redis store; empty: Tickloom's settings.

    The other fields are those of Feast's own, so that its configuration needs a new `type` only.
    `full_scan_for_deletion` does what it does there. `key_ttl_seconds` does nothing here: a view's `ttl` is honoured at
    each read. Nor do `skip_dedup`, since a write always compares, and `client`.
    """

    type: Literal["feature_repo.stores.online.RedisVectorOnlineStore"] = (
        "feature_repo.stores.online.RedisVectorOnlineStore"
    )
    connection_string: str = ""
    redis_type: Literal["redis", "redis_cluster", "redis_sentinel"] = "redis"
    sentinel_master: str = "mymaster"
    client: Literal["redis", "glide"] = "redis"
    key_ttl_seconds: int | None = None
    full_scan_for_deletion: bool = True
    skip_dedup: bool = False


class RedisVectorOnlineStore(VectorOnlineStore):
    """Packed vectors in Redis, and nowhere else."""

    def _urls(self, config: RepoConfig) -> list[str]:
        online = config.online_store
        if online.key_ttl_seconds:
            log.warning("key_ttl_seconds does nothing here: give the feature views a ttl, which every read honours")
        return redis_urls(online.connection_string or store_url(), online.redis_type)

    def _dropped(self, config: RepoConfig, tables: Sequence[FeatureView]) -> Sequence[FeatureView]:
        return tables if config.online_store.full_scan_for_deletion else []


class SqliteVectorOnlineStoreConfig(FeastConfigBaseModel):  # type: ignore[misc]
    """`path`: a file, relative to the feature repo; empty: online.db in Tickloom's state folder."""

    type: Literal["feature_repo.stores.online.SqliteVectorOnlineStore"] = (
        "feature_repo.stores.online.SqliteVectorOnlineStore"
    )
    path: str = ""


class SqliteVectorOnlineStore(VectorOnlineStore):
    """Packed vectors in one SQLite file, whatever store the settings name."""

    def _urls(self, config: RepoConfig) -> list[str]:
        path = Path(str(config.online_store.path) or state_dir() / "online.db")
        return [f"sqlite:///{(config.repo_path or Path()) / path}"]


def _first(urls: Sequence[str]) -> Store:
    for url in urls[:-1]:
        with suppress(StoreError):
            return open_store(url)
    return open_store(urls[-1])


def _unpacked(store: Store, project: str, layout: Layout, vectors: Sequence[bytes | None]) -> Vectors:
    """The columns of a view; vectors of other fields than it has now are read by the schemas that the store holds."""
    try:
        return layout.unpack(vectors)
    except UnknownSchema:
        return layout.unpack(vectors, store.layouts(project, layout.view))
