"""A feature_store.yaml for Feast's own Redis store works when its `type` is changed."""

import logging
from pathlib import Path
from typing import Any

import pytest

from feature_repo.stores.address import redis_urls
from schemas.errors import ConfigError
from tests.unit.catalogue import customer, ride_rows, rides, values

STOCK = """project: {project}
provider: local
registry: registry.db
online_store:
  type: redis
  connection_string: "{connection}"
entity_key_serialization_version: 3
"""
OURS = "feature_repo.stores.online.RedisVectorOnlineStore"


@pytest.mark.parametrize(
    ("text", "kind", "urls"),
    [
        ("h:1", "redis", ["redis://h:1"]),
        ("h", "redis", ["redis://h:6379"]),
        ("h:1,db=3", "redis", ["redis://h:1?db=3"]),
        ("h:1,password=p@s/w=:d,ssl=true,db=1", "redis", ["rediss://:p%40s%2Fw%3D%3Ad@h:1?db=1"]),
        ("h:1,username=u,password=123", "redis", ["redis://u:123@h:1"]),
        ("h:1,ssl=false,socket_timeout=0.5", "redis", ["redis://h:1?socket_timeout=0.5"]),
        ("h:1,ssl=true,ssl_ca_certs=/a b.pem", "redis", ["rediss://h:1?ssl_ca_certs=%2Fa+b.pem"]),
        ("a:1,b:2,password=p", "redis", ["redis://:p@a:1"]),
        ("a:1,b:2,ssl=true,db=0", "redis_cluster", ["rediss+cluster://a:1", "rediss+cluster://b:2"]),
        ("a:1,skip_full_coverage_check=true", "redis_cluster", ["redis+cluster://a:1"]),
        ("rediss://h:1/2", "redis", ["rediss://h:1/2"]),
    ],
)
def test_connection_strings(text: str, kind: str, urls: list[str]) -> None:
    assert redis_urls(text, kind) == urls


@pytest.mark.parametrize(
    ("text", "kind"),
    [("h:1,password=secret", "redis_sentinel"), ("sqlite:///x", "redis"), ("db=1", "redis"), ("", "redis")],
)
def test_what_is_no_address_is_said_so_without_its_password(text: str, kind: str) -> None:
    with pytest.raises(ConfigError, match="no address of Redis") as caught:
        redis_urls(text, kind)
    assert "secret" not in str(caught.value)


def use(folder: Path, text: str) -> Any:
    """A FeatureStore of that feature_store.yaml, applied and filled."""
    from feast import FeatureStore

    (folder / "feature_store.yaml").write_text(text)
    store = FeatureStore(repo_path=str(folder))
    store.apply([customer(), rides(folder)])
    store.write_to_online_store("rides", ride_rows(3))
    return store


def test_one_line_changes(redis_url: str, tmp_path: Path) -> None:
    stock = STOCK.format(project=tmp_path.name.replace("-", "_"), connection=f"{redis_url.split('/')[2]},db=1")
    changed = stock.replace("type: redis", f"type: {OURS}")
    assert [a == b for a, b in zip(stock.splitlines(), changed.splitlines(), strict=True)].count(False) == 1
    references, rows = ["rides:fare", "rides:city", "rides:trips"], [{"customer_id": f"c{i}"} for i in range(3)]
    before = values(use(tmp_path, stock), references, rows)
    assert before["trips"] == [2**52, 2**52 + 1, 2**52 + 2]
    assert values(use(tmp_path, changed), references, rows) == before


def test_every_option_of_feasts_own_store_is_taken(
    redis_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from feast.infra.online_stores.redis import RedisOnlineStoreConfig

    from feature_repo.stores.online import RedisVectorOnlineStoreConfig

    assert set(RedisOnlineStoreConfig.model_fields) == set(RedisVectorOnlineStoreConfig.model_fields)
    text = STOCK.format(project="options", connection=redis_url.split("/")[2]).replace("type: redis", f"type: {OURS}")
    more = "  redis_type: redis\n  key_ttl_seconds: 5\n  skip_dedup: true\n  full_scan_for_deletion: false\nentity_key"
    with caplog.at_level(logging.WARNING, "feature_repo.stores.online"):
        store = use(tmp_path, text.replace("entity_key", more))
    assert "key_ttl_seconds does nothing here" in caplog.text
    gone = store.get_feature_view("rides")
    store.apply([customer()], objects_to_delete=[gone], partial=False)
    assert store._get_provider().online_store._open(store.config).read("options", "rides", ["c0"])[0] is not None
    store.apply([customer(), rides(tmp_path)])
    store.teardown()
    assert store._get_provider().online_store._open(store.config).read("options", "rides", ["c0"]) == [None]
