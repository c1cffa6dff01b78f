"""Packed vectors in Redis: one string a (project, view, entity), written by functions that compare and set.

In: packed vectors (udfs.vector) and their entities. Out: the same bytes. Must not know: Feast, features, Flink.

All keys of a view carry one hash tag, so that a cluster keeps the view on one node, where its writes are atomic:
`tickloom:{project:view}:<entity>` a vector; `tickloom.fence:{project:view}:<shard>` newest fence and turn of a shard;
`tickloom.fence:{project:view}` the view's last fence; `tickloom.layouts:{project:view}` schemas by fingerprint;
`tickloom.refused:{project:view}` what was refused. Project and view are percent-encoded, so a separator ends them:
`prod` is no prefix of another project.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import RedisClusterException, ResponseError
from redis.retry import Retry

from feature_repo.stores import Refusal, Wanted, fenced_off, forgotten
from feature_repo.stores.functions import LIBRARY
from schemas.errors import StoreError
from udfs.vector import HEADER_BYTES, Layout

# A function holds up every other client, so a long write goes in steps of this many keys (about 5 ms each).
STEP = 1000
FENCED_OFF, FORGOTTEN = -1, -2
UNCOUNTED = -1


class RedisStore:
    """The store at redis://, rediss:// (TLS), unix://, or redis+cluster:// and rediss+cluster://.

    Connections are shared by threads; what fails is tried again for about a second.
    """

    def __init__(self, url: str) -> None:
        self._where = re.sub(r"//[^@/]*@", "//", url)
        self._turns: dict[tuple[str, int], int] = {}
        with self._answering():
            self._redis = _connect(url)

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
        if not entities:
            return []
        with self._answering():
            found: list[bytes | None] = self._redis.mget(_keys(project, view, entities))
        return found

    def read_many(self, project: str, wanted: Sequence[Wanted]) -> list[list[bytes | None]]:
        """The vectors of several views; see Store.read_many. One transaction, but for a cluster."""
        asked = [each for each in wanted if each[1]]
        if len(asked) == 1:
            found = [self.read(project, *asked[0])]
        else:
            with self._answering(), self._redis.pipeline() as pipeline:
                for view, entities in asked:
                    pipeline.execute_command("MGET", *_keys(project, view, entities))  # a cluster blocks mget()
                found = pipeline.execute()
        left = iter(found)
        return [next(left) if entities else [] for _, entities in wanted]

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
            on = everywhere if isinstance(self._redis, redis.RedisCluster) else {}
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
    if "+cluster://" in url:
        return redis.RedisCluster.from_url(url.replace("+cluster", "", 1), socket_timeout=10, retry=retry)
    return redis.Redis.from_url(url, socket_timeout=10, retry=retry, retry_on_error=failures)


def _key(kind: str, project: str, view: str, *rest: str) -> str:
    """A key of this view; its parts are joined by ':', which none of them contains."""
    tag = ":".join(quote(part, safe="") for part in (project, view))
    return ":".join(
        [f"tickloom.{kind}" if kind else "tickloom", f"{{{tag}}}", *(quote(part, safe="") for part in rest)]
    )


def _keys(project: str, view: str, entities: Sequence[str]) -> list[str]:
    prefix = _key("", project, view) + ":"
    return [prefix + entity for entity in entities]
