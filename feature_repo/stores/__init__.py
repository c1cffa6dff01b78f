"""Online stores of packed vectors: who may write (fence), what wins (event time, fence, revision), one-trip reads.

`open_store` is the door; the Feast classes over the same stores are in `feature_repo.stores.online`.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from schemas.errors import StoreError
from udfs.vector import Layout, stamp

Wanted = tuple[str, Sequence[str]]
"""A view, and the entities whose vectors are wanted."""


class FencedOff(StoreError):
    """Another writer has opened the shard since: this one must stop, nothing of its write was stored."""


class Forgotten(StoreError):
    """The store no longer knows what this writer wrote: emptied, or an older copy. Nothing of the write was stored.

    Open the shard again, and write again what it should hold: `jobs.runtime.rebuild`, `tickloom store rebuild`.
    """


class Refusal(NamedTuple):
    """A row that was not written: its entity, event time (int64 microseconds UTC), the reason, its values as text."""

    entity: str
    event_time: int
    reason: str
    values: str

    def to_json(self) -> str:
        """One line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Back from `to_json`."""
        return cls(**json.loads(text))


class Store(Protocol):
    """One online store; every method is one atomic step or one round trip, and raises StoreError if it cannot be."""

    def opened(self, project: str, view: str, shard: str) -> bool:
        """Whether the store remembers that this shard was ever opened; not after it was emptied."""

    def fence(self, project: str, view: str, shard: str) -> int:
        """Open a shard for writing: a number above all that the view ever gave out; older writers are refused."""

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        """Store the vectors that are newer by (event time, fence, revision) than the entity's present one.

        Returns how many were newer; FencedOff if the shard was opened again since `fence` was given out; Forgotten if
        this object opened the shard and a write since then is no longer in the store.
        """

    def undone(self, project: str, view: str, shard: str, *, since: int, fences: range) -> dict[str, int]:
        """Entities whose vector this shard wrote last, under one of these fences and after `since`: their event times.

        They are what attempts wrote that a crash has undone, where `since` is the clock of the checkpoint.
        """

    def swap(
        self,
        project: str,
        view: str,
        entities: Sequence[str],
        expected: Sequence[bytes | None],
        vectors: Sequence[bytes],
    ) -> list[bool]:
        """Replace each entity's vector if it is still the expected one (None: absent); which were replaced."""

    def read(self, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        """The packed vectors of entities in their order, None where there is none; one round trip."""

    def read_many(self, project: str, wanted: Sequence[Wanted]) -> list[list[bytes | None]]:
        """`read` for several views in one round trip, and as of one moment where the store can."""

    def describe(self, project: str, layout: Layout) -> None:
        """Remember the schema of a view, so that its vectors can be read when the view has another one."""

    def layouts(self, project: str, view: str) -> dict[int, Layout]:
        """Every schema of a view that was described, by fingerprint."""

    def refuse(self, project: str, view: str, refusals: Sequence[Refusal]) -> None:
        """Keep rows that must not be served, for a person to look at: the store's dead letters."""

    def refused(self, project: str, view: str) -> list[Refusal]:
        """What was refused, in the order in which it came."""

    def delete(self, project: str, view: str) -> None:
        """Forget all vectors, fences, schemas and refusals of this view in this project, and nothing else."""

    def close(self) -> None:
        """Let go of connections."""


def fresh(known: set[str], entities: Sequence[str], vectors: Sequence[bytes], fence: int) -> list[str]:
    """Entities that a writer has not yet written under this fence; committed vectors, of fence 0, have no writer."""
    rows = zip(entities, vectors, strict=True)
    return [entity for entity, vector in rows if entity not in known and stamp(vector).fence == fence]


def later(entities: Sequence[str], vectors: Sequence[bytes | None], since: int, fences: range) -> dict[str, int]:
    """See Store.undone."""
    stamps = {entity: stamp(vector) for entity, vector in zip(entities, vectors, strict=True) if vector}
    return {entity: of.event_time for entity, of in stamps.items() if of.event_time > since and of.fence in fences}


def fenced_off(project: str, view: str, shard: str, fence: int) -> FencedOff:
    """The error of a writer that was replaced."""
    where = f"project {project}, view {view}, shard {shard}"
    return FencedOff(f"fence {fence} is older than the shard's", where=where, hint="stop: a newer writer took over")


def forgotten(project: str, view: str, shard: str, where: str) -> Forgotten:
    """The error of a writer whose writes are gone."""
    what = f"project {project}, view {view}, shard {shard}: the store no longer holds what was written to it"
    return Forgotten(what, where=where, hint="it was emptied or is an older copy: tickloom store rebuild")


def open_store(url: str) -> Store:
    """The store at redis://host:port/db (rediss:// with TLS, redis+cluster://) or sqlite:///path; else StoreError."""
    if url.startswith(("redis://", "rediss://", "unix://", "redis+cluster://", "rediss+cluster://")):
        from feature_repo.stores.redis import RedisStore

        return RedisStore(url)
    path = url.removeprefix("sqlite:///")
    if path not in ("", url):
        from feature_repo.stores.sqlite import SqliteStore

        return SqliteStore(path)
    raise StoreError(f"no store has the address {url!r}", hint="redis://host:port/db or sqlite:///path")
