"""Packed vectors in one SQLite file: the embedded store, for machines without Redis.

In: packed vectors (udfs.vector) and their entities. Out: the same bytes. Must not know: Feast, features, Flink.
Writers of several processes take turns (BEGIN IMMEDIATE), readers never wait (write-ahead log).
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from feature_repo.stores import Refusal, Wanted, fenced_off, forgotten, fresh, later
from schemas.errors import StoreError
from udfs.vector import HEADER_BYTES, Layout, stamp

WAIT_S = 30  # for a lock that another writer holds
SCHEMA = """
CREATE TABLE IF NOT EXISTS vectors (
    project TEXT, view TEXT, entity TEXT, event_time INTEGER, fence INTEGER, revision INTEGER, vector BLOB,
    PRIMARY KEY (project, view, entity)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shards (
    project TEXT, view TEXT, shard TEXT, fence INTEGER, turn INTEGER, PRIMARY KEY (project, view, shard)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entities (
    project TEXT, view TEXT, entity TEXT, shard TEXT, PRIMARY KEY (project, view, entity)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS layouts (
    project TEXT, view TEXT, fingerprint TEXT, layout TEXT, PRIMARY KEY (project, view, fingerprint)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (project TEXT, view TEXT, refusal TEXT);
"""
TABLES = ("vectors", "shards", "entities", "layouts", "refused")
UNCOUNTED = -1
UPSERT = """
INSERT INTO vectors VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (project, view, entity) DO UPDATE SET
    event_time = excluded.event_time, fence = excluded.fence, revision = excluded.revision, vector = excluded.vector
"""
NEWER = "WHERE (excluded.event_time, excluded.fence, excluded.revision) > (event_time, fence, revision)"
NOTE = "INSERT OR REPLACE INTO entities VALUES (?, ?, ?, ?)"
SELECT = """
SELECT entity, vector FROM vectors WHERE project = ? AND view = ? AND entity IN (SELECT value FROM json_each(?))
"""


class SqliteStore:
    """The store in the file at `path`, made when it is not there; one connection a thread."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path).absolute()
        self._local = threading.local()
        self._turns: dict[tuple[str, str, str, int], int] = {}
        self._entities: dict[tuple[str, str, str, int], set[str]] = {}

    def opened(self, project: str, view: str, shard: str) -> bool:
        """Whether the store remembers a writer of this shard; see Store.opened."""
        with self._answering():
            return self._shard(self._db(), project, view, shard) is not None

    def fence(self, project: str, view: str, shard: str) -> int:
        """Open a shard for writing; see Store.fence. At least the clock in microseconds, as in Redis."""
        with self._writing() as db:
            newest = "SELECT max(fence) FROM shards WHERE (project, view) = (?, ?)"
            (last,) = db.execute(newest, (project, view)).fetchone()
            fence = max((last or 0) + 1, time.time_ns() // 1000)
            self._set_shard(db, project, view, shard, fence, 0)
        self._turns[project, view, shard, fence] = 0
        return fence

    def write(
        self, project: str, view: str, entities: Sequence[str], vectors: Sequence[bytes], *, shard: str, fence: int
    ) -> int:
        """Store what is newer; see Store.write. One transaction for all."""
        turn = self._turns.get((project, view, shard, fence), UNCOUNTED)
        with self._writing() as db:
            held_fence, held_turn = self._shard(db, project, view, shard) or (0, 0)
            if held_fence > fence:
                raise fenced_off(project, view, shard, fence)
            if turn != UNCOUNTED and (held_fence, held_turn) != (fence, turn):
                raise forgotten(project, view, shard, str(self._path))
            if turn != UNCOUNTED or held_fence < fence:
                self._set_shard(db, project, view, shard, fence, turn + 1)
            known = self._entities.setdefault((project, view, shard, fence), set())
            new = fresh(known, entities, vectors, fence)
            db.executemany(NOTE, ((project, view, of, shard) for of in new))
            before = db.total_changes
            rows = zip(entities, vectors, strict=True)
            db.executemany(UPSERT + NEWER, ((project, view, entity, *stamp(v)[:3], v) for entity, v in rows))
            won = db.total_changes - before
        known.update(new)
        if turn != UNCOUNTED:
            self._turns[project, view, shard, fence] = turn + 1
        return won

    def undone(self, project: str, view: str, shard: str, *, since: int, fences: range) -> dict[str, int]:
        """What these fences wrote after a time; see Store.undone."""
        with self._answering():
            select = "SELECT entity FROM entities WHERE (project, view, shard) = (?, ?, ?)"
            mine = [entity for (entity,) in self._db().execute(select, (project, view, shard))]
            return later(mine, self._select(self._db(), project, view, mine), since, fences)

    def swap(
        self,
        project: str,
        view: str,
        entities: Sequence[str],
        expected: Sequence[bytes | None],
        vectors: Sequence[bytes],
    ) -> list[bool]:
        """Replace what is still as expected; see Store.swap. One transaction for all."""
        with self._writing() as db:
            swapped = []
            for entity, old, new in zip(entities, expected, vectors, strict=True):
                now = self._select(db, project, view, [entity])[0]
                same = (now or b"")[:HEADER_BYTES] == (old or b"")[:HEADER_BYTES]
                if same:
                    db.execute(UPSERT, (project, view, entity, *stamp(new)[:3], new))
                swapped.append(same)
            return swapped

    def read(self, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        """The vectors in order; see Store.read."""
        with self._answering():
            return self._select(self._db(), project, view, entities)

    def read_many(self, project: str, wanted: Sequence[Wanted]) -> list[list[bytes | None]]:
        """The vectors of several views, as of one moment; see Store.read_many."""
        with self._answering():
            db = self._db()
            db.execute("BEGIN")
            try:
                return [self._select(db, project, view, entities) for view, entities in wanted]
            finally:
                db.execute("COMMIT")

    def describe(self, project: str, layout: Layout) -> None:
        """Remember a schema; see Store.describe."""
        row = (project, layout.view, f"{layout.fingerprint:016x}", layout.to_json())
        with self._writing() as db:
            db.execute("INSERT OR REPLACE INTO layouts VALUES (?, ?, ?, ?)", row)

    def layouts(self, project: str, view: str) -> dict[int, Layout]:
        """The schemas that were described; see Store.layouts."""
        select = "SELECT fingerprint, layout FROM layouts WHERE (project, view) = (?, ?)"
        with self._answering():
            found = self._db().execute(select, (project, view)).fetchall()
        return {int(fingerprint, 16): Layout.from_json(text) for fingerprint, text in found}

    def refuse(self, project: str, view: str, refusals: Sequence[Refusal]) -> None:
        """Keep what was refused; see Store.refuse."""
        rows = [(project, view, refusal.to_json()) for refusal in refusals]
        with self._writing() as db:
            db.executemany("INSERT INTO refused VALUES (?, ?, ?)", rows)

    def refused(self, project: str, view: str) -> list[Refusal]:
        """What was refused; see Store.refused."""
        select = "SELECT refusal FROM refused WHERE (project, view) = (?, ?) ORDER BY rowid"
        with self._answering():
            return [Refusal.from_json(text) for (text,) in self._db().execute(select, (project, view))]

    def delete(self, project: str, view: str) -> None:
        """Forget the view; see Store.delete."""
        with self._writing() as db:
            for table in TABLES:
                db.execute(f"DELETE FROM {table} WHERE (project, view) = (?, ?)", (project, view))

    def close(self) -> None:
        """Close this thread's connection; the others go with their threads."""
        if db := self._local.__dict__.pop("db", None):
            db.close()

    def _shard(self, db: sqlite3.Connection, project: str, view: str, shard: str) -> tuple[int, int] | None:
        select = "SELECT fence, turn FROM shards WHERE (project, view, shard) = (?, ?, ?)"
        found: tuple[int, int] | None = db.execute(select, (project, view, shard)).fetchone()
        return found

    def _set_shard(self, db: sqlite3.Connection, project: str, view: str, shard: str, fence: int, turn: int) -> None:
        db.execute("INSERT OR REPLACE INTO shards VALUES (?, ?, ?, ?, ?)", (project, view, shard, fence, turn))

    def _select(self, db: sqlite3.Connection, project: str, view: str, entities: Sequence[str]) -> list[bytes | None]:
        found = dict(db.execute(SELECT, (project, view, json.dumps(list(entities)))).fetchall())
        return [found.get(entity) for entity in entities]

    def _db(self) -> sqlite3.Connection:
        if not hasattr(self._local, "db"):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=WAIT_S, isolation_level=None)
            self._prepare(db)
            self._local.db = db
        return self._local.db  # type: ignore[no-any-return]

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Make the tables; asks again while others open a new file, since SQLite's own wait leaves out WAL's switch."""
        deadline = time.monotonic() + WAIT_S
        while True:
            try:
                db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;" + SCHEMA)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or, on an error, nothing."""
        with self._answering():
            db = self._db()
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"SQLite: {error}", where=str(self._path), hint="is it a writable SQLite file?") from error
