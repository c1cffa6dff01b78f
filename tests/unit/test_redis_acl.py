"""Redis users with the least rights, those of docs/online-store.md: what each may do, and what it is denied."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import redis

from feature_repo.stores import Refusal, Store, open_store
from schemas.errors import StoreError
from schemas.settings import PROJECT
from tests.redis_server import redis_server
from udfs.vector import Layout

LAYOUT = Layout("v", (("x", "f8"),))
[VECTOR] = LAYOUT.pack(1, 1, 0, 0, np.array([[0.5]]))
KEY = "tickloom:{prod:v}:a"


def documented() -> list[str]:
    """The ACL SETUSER lines of the page, in its order."""
    text = (PROJECT / "docs" / "online-store.md").read_text("utf-8")
    return re.findall(r"^ACL SETUSER .+$", text, re.MULTILINE)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a Redis with the documented users, the functions loaded, and one vector of prod and of nonprod."""
    with redis_server(tmp_path_factory.mktemp("acl")) as url, redis.Redis.from_url(url) as admin:
        for line in documented():
            assert admin.execute_command(*line.split())
        address = url.split("/")[2]
        as_user("loader", address).load()  # type: ignore[attr-defined]
        for project in ("prod", "nonprod"):
            admin.set(KEY.replace("prod", project), VECTOR)
        admin.execute_command("ACL SETUSER default off")
        yield address


def as_user(name: str, address: str) -> Store:
    return open_store(f"redis://{name}:{name}-secret@{address}/0")


def every_step(store: Store) -> None:
    """All that a job and Feast's writers ask of a store."""
    fence = store.fence("prod", "v", "0")
    vectors = LAYOUT.pack(2, fence, 0, 0, np.array([[1.5]]))
    assert store.write("prod", "v", ["a"], vectors, shard="0", fence=fence) == 1
    assert store.opened("prod", "v", "0")
    store.describe("prod", LAYOUT)
    store.refuse("prod", "v", [Refusal("a", 1, "why", "{}")])
    found = store.read("prod", "v", ["a"])
    assert store.swap("prod", "v", ["a"], found, vectors) == [True]


def every_read(store: Store) -> None:
    """All that a reader asks."""
    assert store.read("prod", "v", ["a", "b"])[1] is None
    assert store.read_many("prod", [("v", ["a"]), ("w", ["a"])])[1] == [None]
    store.layouts("prod", "v")


def test_a_writer_can_write_all_that_it_must(address: str) -> None:
    writer = as_user("writer", address)
    every_step(writer)
    every_read(writer)


def test_a_reader_can_read_all_that_it_must(address: str) -> None:
    every_read(as_user("reader", address))


Attempt = Callable[[Store], Any]
WRITES: dict[str, Attempt] = {
    "open a shard": lambda store: store.fence("prod", "v", "0"),
    "write": lambda store: store.write("prod", "v", ["a"], [VECTOR], shard="0", fence=1),
    "swap": lambda store: store.swap("prod", "v", ["a"], [None], [VECTOR]),
    "describe": lambda store: store.describe("prod", LAYOUT),
    "refuse": lambda store: store.refuse("prod", "v", [Refusal("a", 1, "why", "{}")]),
}
ELSEWHERE: dict[str, Attempt] = {
    "read another project": lambda store: store.read("nonprod", "v", ["a"]),
    "write another project": lambda store: store.write("nonprod", "v", ["a"], [VECTOR], shard="0", fence=1),
    "swap in another project": lambda store: store.swap("nonprod", "v", ["a"], [VECTOR], [VECTOR]),
}
ADMIN: dict[str, Attempt] = {
    "delete a view": lambda store: store.delete("prod", "v"),
    "load functions": lambda store: store.load(),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize(
    ("user", "what"),
    [
        *[("reader", what) for what in (*WRITES, *ELSEWHERE, *ADMIN)],
        *[("writer", what) for what in (*ELSEWHERE, *ADMIN)],
        *[("loader", what) for what in (*WRITES, *ELSEWHERE, "delete a view")],
    ],
)
def test_denied_by_our_own_calls(address: str, user: str, what: str) -> None:
    with pytest.raises(StoreError, match=r"(?i)no permissions") as caught:
        (WRITES | ELSEWHERE | ADMIN)[what](as_user(user, address))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("user", ["reader", "writer", "loader"])
@pytest.mark.parametrize(
    "command",
    [
        ("DEL", KEY), ("UNLINK", KEY), ("FLUSHALL",), ("FLUSHDB",), ("KEYS", "*"), ("SCAN", "0"), ("RENAME", KEY, "x"),
        ("EXPIRE", KEY, "1"), ("COPY", KEY, "x"), ("EVAL", "return 1", "0"), ("CONFIG", "GET", "*"), ("ACL", "LIST"),
        ("FUNCTION", "FLUSH"), ("FUNCTION", "DELETE", "tickloom"), ("FCALL", "another", "0"), ("APPEND", KEY, "x"),
        ("SETRANGE", KEY, "8", "x"), ("SET", "else", "x"), ("GET", "else"), ("HDEL", "tickloom.layouts:{prod:v}", "x"),
        ("SHUTDOWN",), ("REPLICAOF", "NO", "ONE"), ("MONITOR",), ("DUMP", KEY),
    ],
    ids=" ".join,
)  # fmt: skip
def test_denied_by_hand(address: str, user: str, command: tuple[str, ...]) -> None:
    host, port = address.split(":")
    with (
        redis.Redis(host, int(port), username=user, password=f"{user}-secret") as client,
        pytest.raises(redis.exceptions.NoPermissionError),
    ):
        client.execute_command(*command)


def test_nobody_else(address: str) -> None:
    for url in (f"redis://{address}/0", f"redis://writer:guess@{address}/0"):
        with pytest.raises(StoreError, match=r"(?i)authentication required|invalid"):
            open_store(url).read("prod", "v", ["a"])


def test_a_function_that_is_missing_is_named_with_what_to_do(address: str, tmp_path: Path) -> None:
    with redis_server(tmp_path) as url, redis.Redis.from_url(url) as admin:
        for line in documented():
            admin.execute_command(*line.split())
        with pytest.raises(StoreError, match=r"(?i)no permissions"):
            as_user("writer", url.split("/")[2]).fence("prod", "v", "0")


def test_a_users_password_comes_from_the_environment(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"redis://reader@{address}/0"
    monkeypatch.setenv("TICKLOOM_STORE_PASSWORD", "wrong-secret")
    with pytest.raises(StoreError, match="invalid username-password pair") as caught:
        every_read(open_store(url))
    assert "wrong-secret" not in str(caught.value)
    monkeypatch.setenv("TICKLOOM_STORE_PASSWORD_READER", "reader-secret")  # a user's own goes first
    every_read(open_store(url))
    with pytest.raises(StoreError, match="permissions"):
        WRITES["write"](open_store(url))
