"""Packed vectors in Redis: one string a (project, view, entity), written by compare-and-set scripts.

In: packed vectors (udfs.vector) and their entities. Out: the same bytes. Must not know: Feast, features, Flink.

Keys: `tickloom:<project>:<view>:<entity>` a vector; `tickloom.fence:<project>:<view>:<shard>` the newest fence of a
shard; `tickloom.fence:<project>` the project's last fence. Project and view are percent-encoded, so a separator ends
them: `prod` is no prefix of another project.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from feature_repo.stores import fenced_off
from schemas.errors import StoreError
from udfs.vector import HEADER_BYTES

# A script holds up every other client, so a long write goes in steps of this many keys (about 5 ms each).
STEP = 1000

# A fence is at least the server's clock in microseconds: an emptied store does not hand out old numbers again.
FENCE = """
local time = redis.call('TIME')
local fence = math.max(tonumber(redis.call('GET', KEYS[1]) or 0) + 1, time[1] * 1000000 + time[2])
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[1], text)
redis.call('SET', KEYS[2], text)
return fence
"""

WRITE = """
local fence = tonumber(redis.call('GET', KEYS[1]) or 0)
if fence > tonumber(ARGV[1]) then return -1 end
if fence < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
local won = 0
for i = 2, #KEYS do
  local old = redis.call('GETRANGE', KEYS[i], 8, 31)
  local newer = #old < 24
  if not newer then
    local time0, fence0, revision0 = struct.unpack('<i8i8i8', old)
    local time1, fence1, revision1 = struct.unpack('<i8i8i8', ARGV[i], 9)
    newer = time1 > time0 or time1 == time0 and (fence1 > fence0 or fence1 == fence0 and revision1 > revision0)
  end
  if newer then
    redis.call('SET', KEYS[i], ARGV[i])
    won = won + 1
  end
end
return won
"""

SWAP = f"""
local swapped = {{}}
for i = 1, #KEYS do
  local same = redis.call('GETRANGE', KEYS[i], 0, {HEADER_BYTES - 1}) == ARGV[2 * i - 1]
  if same then redis.call('SET', KEYS[i], ARGV[2 * i]) end
  swapped[i] = same and 1 or 0
end
return swapped
"""


class RedisStore:
    """The store at a redis:// address; connections are shared by threads and retried for about a second."""

    def __init__(self, url: str) -> None:
        self._where = re.sub(r"//[^@/]*@", "//", url)
        with self._answering():
            retry = Retry(ExponentialBackoff(cap=0.5, base=0.02), 6)
            failures = [redis.ConnectionError, redis.TimeoutError]
            self._redis = redis.Redis.from_url(url, socket_timeout=10, retry=retry, retry_on_error=failures)
        self._fence, self._write, self._swap = (self._redis.register_script(text) for text in (FENCE, WRITE, SWAP))

    def fence(self, project: str, view: str, shard: str) -> int:
        """Open a shard for writing; see Store.fence."""
        with self._answering():
            return int(self._fence(keys=[_name("tickloom.fence", project), _fence_key(project, view, shard)]))

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        """Store what is newer; see Store.write. Atomic for each 1,000 entities, the fence is checked for each."""
        fence_key, keys, won = _fence_key(project, view, shard), _keys(project, view, entities), 0
        for i in range(0, len(keys), STEP):
            with self._answering():
                done = self._write(keys=[fence_key, *keys[i : i + STEP]], args=[fence, *vectors[i : i + STEP]])
            if done < 0:
                raise fenced_off(project, view, shard, fence)
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
            with self._answering():
                done: Any = self._swap(keys=keys[i : i + STEP], args=pairs[2 * i : 2 * (i + STEP)])
            swapped += map(bool, done)
        return swapped

    def read(self, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        """The vectors in order; see Store.read."""
        if not entities:
            return []
        with self._answering():
            found: list[bytes | None] = self._redis.mget(_keys(project, view, entities))
        return found

    def delete(self, project: str, view: str) -> None:
        """Forget the view; see Store.delete. Looks at every key of the database."""
        with self._answering():
            for kind in ("tickloom", "tickloom.fence"):
                keys = list(self._redis.scan_iter(_name(kind, project, view) + ":*", count=1000))
                for i in range(0, len(keys), STEP):
                    self._redis.unlink(*keys[i : i + STEP])

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (redis.RedisError, ValueError) as error:
            hint = "is Redis up (tickloom stack status), and its address right?"
            raise StoreError(f"Redis: {error}", where=self._where, hint=hint) from error


def _name(*parts: str) -> str:
    """Parts joined by ':', which no part contains; nor has one a character that SCAN's patterns know."""
    return ":".join(quote(part, safe="") for part in parts)


def _keys(project: str, view: str, entities: Sequence[str]) -> list[str]:
    prefix = _name("tickloom", project, view) + ":"
    return [prefix + entity for entity in entities]


def _fence_key(project: str, view: str, shard: str) -> str:
    return _name("tickloom.fence", project, view, shard)
