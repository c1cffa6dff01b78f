"""The online store in memory, with the semantics of the functions in Redis (feature_repo/stores/functions.py).

`Server` is what Redis holds, `MemoryStore` a client of it, which counts the writes of its own fences. A property test
runs both beside a real Redis: tests/property/test_simulation.py.
"""

from collections.abc import Callable, Sequence
from typing import Any

from feature_repo.stores import Refusal, Wanted, fenced_off, forgotten, fresh, later
from schemas.errors import StoreError
from udfs.vector import HEADER_BYTES, Layout, stamp

UNCOUNTED = -1
Key = tuple[str, str, str]


class Server:
    """What the store holds; clock: milliseconds. touched: keys that were written since somebody looked."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self.clock, self.down_until, self.lose_answers = clock, 0, 0
        self.vectors: dict[Key, bytes] = {}
        self.shards: dict[Key, tuple[int, int]] = {}
        self.fences: dict[tuple[str, str], int] = {}
        self.entities: dict[Key, str] = {}
        """Which shard wrote each last."""
        self.touched: set[Key] = set()
        self.written: set[Key] | None = None
        """Shards that were written since the store lost something."""

    def copy(self) -> tuple[dict[Any, Any], ...]:
        """What a replica holds."""
        return dict(self.vectors), dict(self.shards), dict(self.fences), dict(self.entities)

    def become(self, *held: dict[Any, Any]) -> None:
        """Hold that instead."""
        self.vectors, self.shards, self.fences, self.entities = map(dict, held)
        self.written = set()

    def fence(self, view: tuple[str, str], shard: Key) -> int:
        """A number above all that the view gave out, and at least the clock in microseconds."""
        number = self.fences[view] = max(self.fences.get(view, 0) + 1, self.clock() * 1000)
        self.shards[shard] = number, 0
        return number

    def check(self, shard: Key, fence: int, turn: int) -> int:
        """0 if this writer may write, which counts as its next turn; else -1 fenced off, -2 forgotten."""
        held_fence, held_turn = self.shards.get(shard, (0, 0))
        if held_fence > fence:
            return -1
        if turn >= 0:
            if held_fence < fence or held_turn not in (turn, turn + 1):
                return -2
            self.shards[shard] = fence, turn + 1
        elif held_fence < fence:
            self.shards[shard] = fence, 0
        if self.written is not None:
            self.written.add(shard)
        return 0

    def set(self, key: Key, vector: bytes) -> int:
        """Keep a vector if it is newer."""
        old = self.vectors.get(key)
        if old is not None and stamp(vector)[:3] <= stamp(old)[:3]:
            return 0
        self.put(key, vector)
        return 1

    def put(self, key: Key, vector: bytes) -> None:
        """Keep a vector."""
        self.vectors[key] = vector
        self.touched.add(key)


class MemoryStore:
    """A client of a server: feature_repo.stores.Store."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._turns: dict[tuple[Key, int], int] = {}
        self._entities: dict[tuple[Key, int], set[str]] = {}

    def opened(self, project: str, view: str, shard: str) -> bool:
        self._reach()
        return (project, view, shard) in self.server.shards

    def fence(self, project: str, view: str, shard: str) -> int:
        self._reach()
        key = project, view, shard
        fence = self.server.fence((project, view), key)
        self._turns[key, fence] = 0
        return fence

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        if not entities:
            return 0
        self._reach()
        key, won = (project, view, shard), 0
        turn = self._turns.get((key, fence), UNCOUNTED)
        known = self._entities.setdefault((key, fence), set())
        new = fresh(known, entities, vectors, fence)
        self.server.entities |= {(project, view, of): shard for of in new}
        known.update(new)
        for _ in range(1 + self._lost()):
            refused = self.server.check(key, fence, turn)
            if refused == -1:
                raise fenced_off(project, view, shard, fence)
            if refused == -2:
                raise forgotten(project, view, shard, "memory")
            won = sum(self.server.set((project, view, of), new) for of, new in zip(entities, vectors, strict=True))
        if turn != UNCOUNTED:
            self._turns[key, fence] = turn + 1
        return won

    def undone(self, project: str, view: str, shard: str, *, since: int, fences: range) -> dict[str, int]:
        self._reach()
        held = self.server.entities.items()
        mine = [entity for (*of, entity), by in held if of == [project, view] and by == shard]
        return later(mine, self.read(project, view, mine), since, fences)

    def swap(
        self, project: str, view: str, entities: Sequence[str], expected: Sequence[bytes | None],
        vectors: Sequence[bytes],
    ) -> list[bool]:  # fmt: skip
        self._reach()
        swapped = []
        for entity, old, new in zip(entities, expected, vectors, strict=True):
            key = project, view, entity
            same = (self.server.vectors.get(key) or b"")[:HEADER_BYTES] == (old or b"")[:HEADER_BYTES]
            if same:
                self.server.put(key, new)
            swapped.append(same)
        return swapped

    def read(self, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        self._reach()
        return [self.server.vectors.get((project, view, entity)) for entity in entities]

    def read_many(self, project: str, wanted: Sequence[Wanted]) -> list[list[bytes | None]]:
        return [self.read(project, view, entities) for view, entities in wanted]

    def describe(self, project: str, layout: Layout) -> None:
        self._reach()

    def layouts(self, project: str, view: str) -> dict[int, Layout]:
        return {}

    def refuse(self, project: str, view: str, refusals: Sequence[Refusal]) -> None:
        self._reach()

    def refused(self, project: str, view: str) -> list[Refusal]:
        return []

    def delete(self, project: str, view: str) -> None:
        for held in (self.server.vectors, self.server.shards, self.server.entities):
            for key in [key for key in held if key[:2] == (project, view)]:
                del held[key]

    def close(self) -> None:
        """Nothing to let go of."""

    def _reach(self) -> None:
        if self.server.clock() < self.server.down_until:
            raise StoreError("the store does not answer", where="memory")

    def _lost(self) -> int:
        """Whether this answer is lost, so that the client asks again."""
        lost = self.server.lose_answers > 0
        self.server.lose_answers -= lost
        return lost
