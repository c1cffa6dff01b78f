"""Both stores: what they forget is noticed; schemas and refusals are kept beside the vectors."""

import sqlite3
from pathlib import Path

import pytest
import redis

from feature_repo.stores import Forgotten, Refusal, Store, open_store
from tests.unit.storing import LAYOUT, project, store, url, vector
from udfs.vector import Layout

__all__ = ["project", "store", "url"]


def test_a_deleted_view_is_noticed_by_its_writer(store: Store, project: str) -> None:
    old = store.fence(project, "v", "0")
    store.write(project, "v", ["A"], [vector(1, old)], shard="0", fence=old)
    assert store.opened(project, "v", "0")
    store.delete(project, "v")
    assert not store.opened(project, "v", "0")
    with pytest.raises(Forgotten, match="shard 0"):
        store.write(project, "v", ["A"], [vector(2, old)], shard="0", fence=old)
    assert store.read(project, "v", ["A"]) == [None]
    new = store.fence(project, "v", "0")
    assert new > old
    assert store.write(project, "v", ["A"], [vector(2, new)], shard="0", fence=new) == 1


def test_an_emptied_redis_is_noticed_and_gives_out_no_old_fence(redis_url: str) -> None:
    url = redis_url.removesuffix("0") + "9"
    store = open_store(url)
    old = store.fence("p", "v", "0")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    with pytest.raises(Forgotten):
        store.write("p", "v", ["A"], [vector(1, old)], shard="0", fence=old)
    assert store.fence("p", "v", "0") > old
    store.close()


def test_an_older_copy_of_the_store_is_noticed(tmp_path: Path) -> None:
    """A replica that lags, promoted: it knows the writer, but not what it wrote last."""
    path = tmp_path / "online.db"
    store = open_store(f"sqlite:///{path}")
    fence = store.fence("p", "v", "0")
    store.write("p", "v", ["A"], [vector(1, fence)], shard="0", fence=fence)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE shards SET turn = 0")
    db.close()
    with pytest.raises(Forgotten):
        store.write("p", "v", ["A"], [vector(2, fence)], shard="0", fence=fence)
    store.close()


def test_a_stale_replica_is_noticed_and_a_lost_answer_is_not_taken_for_one(redis_url: str) -> None:
    store = open_store(redis_url)
    fence = store.fence("stale", "v", "0")
    key = "tickloom.fence:{stale:v}:0"
    with redis.Redis.from_url(redis_url) as client:
        store.write("stale", "v", ["A"], [vector(1, fence)], shard="0", fence=fence)
        assert client.get(key) == f"{fence} 1".encode()
        client.set(key, f"{fence} 2")  # the server has done the next write already, but its answer was lost
        assert store.write("stale", "v", ["A"], [vector(2, fence)], shard="0", fence=fence) == 1
        assert client.get(key) == f"{fence} 2".encode()
        client.set(key, f"{fence} 0")
        with pytest.raises(Forgotten):
            store.write("stale", "v", ["A"], [vector(3, fence)], shard="0", fence=fence)
    store.close()


def test_schemas_and_refusals_are_kept_until_the_view_is_deleted(store: Store, project: str) -> None:
    older = Layout("v", (("x", "f8"),))
    store.describe(project, older)
    store.describe(project, LAYOUT)
    store.describe(project, LAYOUT)
    refusals = [Refusal("A", 2**52, "future", '{"x": 1}'), Refusal("é", -1, "future", "")]
    store.refuse(project, "v", refusals[:1])
    store.refuse(project, "v", refusals[1:])
    assert store.layouts(project, "v") == {each.fingerprint: each for each in (older, LAYOUT)}
    assert store.refused(project, "v") == refusals
    assert store.layouts(f"{project}x", "v") == {}
    store.delete(project, "v")
    assert store.layouts(project, "v") == {}
    assert store.refused(project, "v") == []


def test_several_views_in_one_read(store: Store, project: str) -> None:
    for view, time in (("v", 1), ("w", 2)):
        store.write(project, view, ["A", "B"], [vector(time), vector(time)], shard="0", fence=1)
    wanted = [("v", ["B", "none"]), ("empty", []), ("w", ["A"])]
    assert store.read_many(project, wanted) == [[vector(1), None], [], [vector(2)]]
    assert store.read_many(project, [("v", [])]) == [[]]
    assert store.read_many(project, []) == []
