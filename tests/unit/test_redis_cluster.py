"""A real cluster of three: each view on one node, all calls of the store, Feast by its own configuration."""

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from feature_repo.stores import FencedOff, Refusal, Store, open_store
from schemas.errors import StoreError
from tests.redis_server import redis_cluster
from tests.unit.catalogue import NOW, customer, driver, feature_store, pairs, ride_rows, rides, values
from udfs.vector import Layout

VIEWS = [f"v{i}" for i in range(12)]
NAMES = [f"S{i}" for i in range(2500)]


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[int]]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as found:
        yield found


@pytest.fixture
def store(ports: list[int]) -> Iterator[Store]:
    opened = open_store(f"redis+cluster://127.0.0.1:{ports[0]}")
    yield opened
    opened.close()


def fill(store: Store, project: str, view: str) -> list[bytes]:
    """2,500 vectors, in several steps of one write."""
    fence = store.fence(project, view, "0")
    vectors = Layout(view, (("x", "f8"),)).pack(1, fence, 0, 0, np.arange(2500.0)[:, None])
    assert store.write(project, view, NAMES, vectors, shard="0", fence=fence) == 2500
    return vectors


def keys_of(port: int, pattern: str) -> set[str]:
    with redis.Redis(port=port, decode_responses=True) as node:
        return set(node.scan_iter(pattern, count=5000))


def test_a_view_lies_on_one_node_and_views_spread(store: Store, ports: list[int]) -> None:
    for view in VIEWS:
        fill(store, "spread", view)
    places = {view: [len(keys_of(port, f"tickloom*{{spread:{view}}}*")) for port in ports] for view in VIEWS}
    assert all(sorted(counts) == [0, 0, 2503] for counts in places.values())
    assert {counts.index(2503) for counts in places.values()} == {0, 1, 2}


def test_several_views_of_several_nodes_in_one_call(store: Store) -> None:
    held = {view: fill(store, "many", view) for view in VIEWS}
    wanted = [(view, [NAMES[i], "none", NAMES[-1]]) for i, view in enumerate(VIEWS)]
    found = store.read_many("many", wanted)
    assert found == [[held[view][i], None, held[view][-1]] for i, view in enumerate(VIEWS)]


def test_fences_swaps_and_the_rest(store: Store) -> None:
    [layout, fence] = [Layout("v", (("x", "f8"),)), store.fence("rest", "v", "0")]
    old, new = layout.pack(np.array([1, 2]), fence, 0, 0, np.zeros((2, 1)))
    assert store.write("rest", "v", ["a"], [new], shard="0", fence=fence) == 1
    assert store.write("rest", "v", ["a"], [old], shard="0", fence=fence) == 0
    assert store.swap("rest", "v", ["a", "b"], [old, None], [old, old]) == [False, True]
    assert store.read("rest", "v", ["a", "b"]) == [new, old]
    assert store.opened("rest", "v", "0")
    assert not store.opened("rest", "v", "1")
    store.describe("rest", layout)
    assert store.layouts("rest", "v") == {layout.fingerprint: layout}
    store.refuse("rest", "v", [Refusal("a", 1, "why", "{}")])
    assert store.refused("rest", "v") == [Refusal("a", 1, "why", "{}")]
    assert store.fence("rest", "v", "0") > fence
    with pytest.raises(FencedOff):
        store.write("rest", "v", ["a"], [new], shard="0", fence=fence)


def test_delete_keeps_to_its_project_and_view(store: Store, ports: list[int]) -> None:
    for project, view in (("prod", "v"), ("prod", "w"), ("nonprod", "v")):
        fill(store, project, view)
    store.delete("prod", "v")
    assert store.read_many("prod", [("v", ["S1"]), ("w", ["S1"])])[0] == [None]
    assert store.read("prod", "w", ["S2499"]) != [None]
    assert store.read("nonprod", "v", ["S2499"]) != [None]
    assert set().union(*(keys_of(port, "tickloom:{prod:v}*") for port in ports)) == set()


def test_functions_that_one_node_lost_come_back(store: Store, ports: list[int]) -> None:
    fill(store, "lost", "v0")
    for port in ports:
        with redis.Redis(port=port) as node:
            node.execute_command("FUNCTION FLUSH")
    for view in VIEWS:
        fill(store, "lost", view)


def test_a_store_without_cluster_says_so(tmp_path: Path, redis_url: str) -> None:
    with pytest.raises(StoreError, match=r"(?i)cluster"):
        open_store(redis_url.replace("redis://", "redis+cluster://").removesuffix("/0")).read("p", "v", ["a"])


def test_feast_by_its_own_configuration(ports: list[int], tmp_path: Path) -> None:
    import pandas as pd

    with socket.socket() as nobody:  # bound and not listening: the first node is down
        nobody.bind(("127.0.0.1", 0))
        nodes = ",".join(f"127.0.0.1:{port}" for port in (nobody.getsockname()[1], ports[1]))
        kind = "feature_repo.stores.online.RedisVectorOnlineStore"
        online: dict[str, Any] = {"connection_string": nodes, "redis_type": "redis_cluster"}
        store = feature_store(tmp_path, type=kind, **online)
        store.apply([driver(), customer(), rides(tmp_path), pairs(tmp_path)])
    store.write_to_online_store("rides", ride_rows(3))
    row = {"driver_id": 1, "customer_id": "c0", "score": 0.5, "event_timestamp": NOW}
    store.write_to_online_store("pairs", pd.DataFrame([row]))
    asked = [{"driver_id": 1, "customer_id": name} for name in ("c0", "c1", "c9")]
    found = values(store, ["rides:tip", "pairs:score"], asked)
    assert (found["tip"], found["score"]) == ([5e-324, -0.0, None], [0.5, None, None])
    assert any(keys_of(port, f"*{store.project}*") for port in ports)
    store.teardown()
    assert not any(keys_of(port, f"*{store.project}*") for port in ports)
