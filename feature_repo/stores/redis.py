"""Packed vectors in Redis: one string a (project, view, entity), written by functions that compare and set.

In: packed vectors (udfs.vector) and their entities. Out: the same bytes. Must not know: Feast, features, Flink.

All keys of a view carry one hash tag, so that a cluster keeps the view on one node, where its writes are atomic:
`tickloom:{project:view}:<entity>` a vector; `tickloom.fence:{project:view}:<shard>` newest fence and turn of a shard;
`tickloom.fence:{project:view}` the view's last fence; `tickloom.fence:{project:view}::shards` an entity's shard;
`tickloom.layouts:{project:view}` schemas by fingerprint; `tickloom.refused:{project:view}` what was refused. Project
and view are percent-encoded, so a separator ends them: `prod` is no prefix of another project.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import redis
from redis.backoff import ExponentialBackoff
from redis.connection import HiredisRespSerializer
from redis.exceptions import RedisClusterException, ResponseError
from redis.retry import Retry

from feature_repo.stores import Refusal, Wanted, fenced_off, forgotten, fresh, later
from feature_repo.stores.functions import LIBRARY
from schemas.errors import StoreError
from schemas.sections import STORE_PASSWORD
from udfs.vector import HEADER_BYTES, Layout

# A function holds up every other client, so a long write goes in steps of this many keys (about 5 ms each).
STEP = 1000
FENCED_OFF, FORGOTTEN = -1, -2
UNCOUNTED = -1
MOST_COMMANDS, MOST_ENTITIES = 64, 2048  # commands that are kept, entities of one: some megabytes
READ_BYTES = 1 << 20  # of an answer at a time: a thousand vectors are half of it
PACK = HiredisRespSerializer()
MULTI, EXEC = (b"".join(PACK.pack(name)) for name in ("MULTI", "EXEC"))

Asked = Sequence[tuple[str, tuple[str, ...]]]


class RedisStore:
    """The store at redis://, rediss:// (TLS), unix://, or redis+cluster:// and rediss+cluster://.

    Connections are shared by threads; what fails is tried again for about a second.
    """

    def __init__(self, url: str) -> None:
        self._where = re.sub(r"//[^@/]*@", "//", url)
        self._turns: dict[tuple[str, int], int] = {}
        self._entities: dict[tuple[str, int], set[str]] = {}
        self._commands: dict[tuple[str, str, tuple[str, ...]], bytes] = {}
        with self._answering():
            self._redis = _connect(url)
        self._on_cluster = isinstance(self._redis, redis.RedisCluster)

    def opened(self, project: str, view: str, shard: str) -> bool:
        """Whether the store remembers a writer of this shard; see Store.opened."""
        with self._answering():
            return bool(self._redis.exists(_key("fence", project, view, shard)))

    def fence(self, project: str, view: str, shard: str) -> int:
        """Open a shard for writing; see Store.fence."""
        key = _key("fence", project, view, shard)
        fence = int(self._call("tickloom_fence", [_key("fence", project, view), key]))
        self._turns[key, fence] = 0
        return fence

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        """Store what is newer; see Store.write. Atomic for each 1,000 entities, the fence is checked for each."""
        key, keys, won = _key("fence", project, view, shard), _keys(project, view, entities), 0
        self._note(project, view, shard, fence, entities, vectors)
        for i in range(0, len(keys), STEP):
            turn = self._turns.get((key, fence), UNCOUNTED)
            done = self._call("tickloom_write", [key, *keys[i : i + STEP]], [fence, turn, *vectors[i : i + STEP]])
            if done == FENCED_OFF:
                raise fenced_off(project, view, shard, fence)
            if done == FORGOTTEN:
                raise forgotten(project, view, shard, self._where)
            if turn != UNCOUNTED:
                self._turns[key, fence] = turn + 1
            won += done
        return won

    def _note(
        self, project: str, view: str, shard: str, fence: int, entities: Sequence[str], vectors: Sequence[bytes]
    ) -> None:
        """Which shard writes an entity, with the first vector of this fence."""
        known = self._entities.setdefault((_key("fence", project, view, shard), fence), set())
        if new := fresh(known, entities, vectors, fence):
            with self._answering():
                self._redis.hset(_key("fence", project, view, "", "shards"), mapping=dict.fromkeys(new, shard))
            known.update(new)

    def undone(self, project: str, view: str, shard: str, *, since: int, fences: range) -> dict[str, int]:
        """What these fences wrote after a time; see Store.undone."""
        with self._answering():
            shards = self._redis.hgetall(_key("fence", project, view, "", "shards"))
        mine = [entity.decode() for entity, of in shards.items() if of == shard.encode()]
        parts = [mine[i : i + STEP] for i in range(0, len(mine), STEP)]
        return dict(each for of in parts for each in later(of, self.read(project, view, of), since, fences).items())

    def swap(
        self,
        project: str,
        view: str,
        entities: Sequence[str],
        expected: Sequence[bytes | None],
        vectors: Sequence[bytes],
    ) -> list[bool]:
        """Replace what is still as expected; see Store.swap."""
        keys, swapped = _keys(project, view, entities), list[bool]()
        headers = [(old or b"")[:HEADER_BYTES] for old in expected]
        pairs = [part for pair in zip(headers, vectors, strict=True) for part in pair]
        for i in range(0, len(keys), STEP):
            done = self._call("tickloom_swap", keys[i : i + STEP], pairs[2 * i : 2 * (i + STEP)])
            swapped += map(bool, done)
        return swapped

    def read(self, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        """The vectors in order; see Store.read."""
        return self.read_many(project, [(view, entities)])[0]

    def read_many(self, project: str, wanted: Sequence[Wanted]) -> list[list[bytes | None]]:
        """The vectors of several views; see Store.read_many. One transaction, but for a cluster."""
        asked = [(view, tuple(entities)) for view, entities in wanted if entities]
        with self._answering():
            found = self._mget_cluster(project, asked) if self._on_cluster else self._mget(project, asked)
        left = iter(found)
        return [next(left) if entities else [] for _, entities in wanted]

    def _mget_cluster(self, project: str, asked: Asked) -> list[list[bytes | None]]:
        with self._redis.pipeline() as pipeline:
            for view, entities in asked:
                pipeline.execute_command("MGET", *_keys(project, view, entities))  # a cluster blocks mget()
            found: list[list[bytes | None]] = pipeline.execute()
        return found

    def _mget(self, project: str, asked: Asked) -> list[list[bytes | None]]:
        """One trip over a connection, with commands that are kept packed."""
        commands = [self._packed(project, view, entities) for view, entities in asked]
        if len(commands) > 1:
            commands = [MULTI, *commands, EXEC]
        if not commands:
            return []

        def exchange() -> Any:
            connection.send_packed_command(commands)
            return [connection.read_response() for _ in commands][-1]

        connection = self._redis.connection_pool.get_connection()
        try:
            found = connection.retry.call_with_retry(exchange, lambda _: connection.disconnect())
        except BaseException:
            connection.disconnect()  # what was not read must not be the next one's answer
            raise
        finally:
            self._redis.connection_pool.release(connection)
        return found if len(commands) > 1 else [found]

    def _packed(self, project: str, view: str, entities: tuple[str, ...]) -> bytes:
        """The command that reads these; packing a thousand keys takes as long as Redis needs to answer for them."""
        packed = self._commands.get((project, view, entities))
        if packed is None:
            packed = b"".join(PACK.pack("MGET", *_keys(project, view, entities)))
            if len(self._commands) >= MOST_COMMANDS:
                self._commands.clear()
            if len(entities) <= MOST_ENTITIES:
                self._commands[project, view, entities] = packed
        return packed

    def describe(self, project: str, layout: Layout) -> None:
        """Remember a schema; see Store.describe."""
        with self._answering():
            self._redis.hset(_key("layouts", project, layout.view), f"{layout.fingerprint:016x}", layout.to_json())

    def layouts(self, project: str, view: str) -> dict[int, Layout]:
        """The schemas that were described; see Store.layouts."""
        with self._answering():
            found: Mapping[bytes, bytes] = self._redis.hgetall(_key("layouts", project, view))
        return {int(fingerprint, 16): Layout.from_json(text) for fingerprint, text in found.items()}

    def refuse(self, project: str, view: str, refusals: Sequence[Refusal]) -> None:
        """Keep what was refused; see Store.refuse."""
        with self._answering():
            self._redis.rpush(_key("refused", project, view), *(refusal.to_json() for refusal in refusals))

    def refused(self, project: str, view: str) -> list[Refusal]:
        """What was refused; see Store.refused."""
        with self._answering():
            return [Refusal.from_json(text) for text in self._redis.lrange(_key("refused", project, view), 0, -1)]

    def delete(self, project: str, view: str) -> None:
        """Forget the view; see Store.delete. Looks at every key of the database."""
        with self._answering():
            single = [_key(kind, project, view) for kind in ("layouts", "refused")]
            for kind in ("", "fence"):
                # the tag's braces and what is percent-encoded mean nothing to SCAN's patterns
                single += self._redis.scan_iter(_key(kind, project, view) + ":*", count=1000)
            for i in range(0, len(single), STEP):
                self._redis.unlink(*single[i : i + STEP])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _call(self, function: str, keys: Sequence[str], args: Sequence[Any] = ()) -> Any:
        """A function of the library, which is loaded where it is missing."""
        if not keys:
            return []
        with self._answering():
            try:
                return self._redis.fcall(function, len(keys), *keys, *args)
            except ResponseError as error:
                if "Function not found" not in str(error):
                    raise
            self.load()
            return self._redis.fcall(function, len(keys), *keys, *args)

    def load(self) -> None:
        """Load the functions into the server, into all primaries of a cluster; needs the right to run FUNCTION."""
        everywhere = {"target_nodes": redis.RedisCluster.PRIMARIES}
        with self._answering():
            on = everywhere if self._on_cluster else {}
            self._redis.execute_command("FUNCTION LOAD", "REPLACE", LIBRARY, **on)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, RedisClusterException, ValueError) as error:
            hint = "is Redis up (tickloom stack status), its address right, and may this user do so?"
            raise StoreError(f"Redis: {error}", where=self._where, hint=hint) from error


def _connect(url: str) -> Any:
    retry, failures = Retry(ExponentialBackoff(cap=0.5, base=0.02), 6), [redis.ConnectionError, redis.TimeoutError]
    kept: dict[str, Any] = {"socket_timeout": 10, "retry": retry, "password": _password(url)}
    if "+cluster://" in url:
        return redis.RedisCluster.from_url(url.replace("+cluster", "", 1), **kept)
    return redis.Redis.from_url(url, socket_read_size=READ_BYTES, retry_on_error=failures, **kept)


def _password(url: str) -> str | None:
    """Of the address's user, from the environment, where the address itself has none."""
    user = unquote(urlsplit(url).username or "")
    return (os.environ.get(f"{STORE_PASSWORD}_{user.upper()}") or os.environ.get(STORE_PASSWORD)) if user else None


def _key(kind: str, project: str, view: str, *rest: str) -> str:
    """A key of this view; its parts are joined by ':', which none of them contains."""
    tag = ":".join(quote(part, safe="") for part in (project, view))
    return ":".join(
        [f"tickloom.{kind}" if kind else "tickloom", f"{{{tag}}}", *(quote(part, safe="") for part in rest)]
    )


def _keys(project: str, view: str, entities: Sequence[str]) -> list[str]:
    prefix = _key("", project, view) + ":"
    return [prefix + entity for entity in entities]
