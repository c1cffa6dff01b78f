"""Online stores of packed vectors: who may write (fence), what wins (event time, fence, revision), one-trip reads.

`open_store` is the door; the Feast classes over the same stores are in `feature_repo.stores.online`.
"""

from collections.abc import Sequence
from typing import Protocol

from schemas.errors import StoreError


class FencedOff(StoreError):
    """Another writer has opened the shard since: this one must stop, nothing of its write was stored."""


class Store(Protocol):
    """One online store; every method is one atomic step or one round trip, and raises StoreError if it cannot be."""

    def fence(self, project: str, view: str, shard: str) -> int:
        """Open a shard for writing: a number above all that the project ever gave out; older writers are refused."""

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        """Store the vectors that are newer by (event time, fence, revision) than the entity's present one.

        Returns how many were newer; FencedOff if the shard was opened again since `fence` was given out.
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

    def delete(self, project: str, view: str) -> None:
        """Forget all vectors and fences of this view in this project, and nothing else."""

    def close(self) -> None:
        """Let go of connections."""


def fenced_off(project: str, view: str, shard: str, fence: int) -> FencedOff:
    """The error of a writer that was replaced."""
    where = f"project {project}, view {view}, shard {shard}"
    return FencedOff(f"fence {fence} is older than the shard's", where=where, hint="stop: a newer writer took over")


def open_store(url: str) -> Store:
    """The store at redis://host:port/db (rediss:// with TLS) or sqlite:///path; StoreError for any other address."""
    if url.startswith(("redis://", "rediss://", "unix://")):
        from feature_repo.stores.redis import RedisStore

        return RedisStore(url)
    path = url.removeprefix("sqlite:///")
    if path not in ("", url):
        from feature_repo.stores.sqlite import SqliteStore

        return SqliteStore(path)
    raise StoreError(f"no store has the address {url!r}", hint="redis://host:port/db or sqlite:///path")
