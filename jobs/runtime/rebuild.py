"""Rebuild: committed feature frames -> the online store, as if it had never forgotten.

In: `feature.frame.v1` from its beginning to its present end. Out: each entity's newest vector in the store. The vectors
carry fence 0, so that whatever the features job itself has written or writes at the same event time still wins; and the
writer opens a shard of its own, so that it takes none from the job.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from feature_repo.stores import Store
from feature_repo.views import layout, vectors
from jobs.runtime import committed
from schemas.sections import Kafka, Role
from udfs.frame import Frame

FEATURE = "feature.frame.v1"
SHARD, COMMITTED = "rebuild", 0
"""A writer of its own, and the fence of its vectors."""
GROUP = 10_000


@dataclass(frozen=True)
class Row:
    """Where an entity's newest values are."""

    frame: Frame
    place: int

    def is_older(self, frame: Frame) -> bool:
        """Whether a frame is newer by event time, then revision."""
        return (frame.event_time, frame.revision) > (self.frame.event_time, self.frame.revision)


def rebuild(
    store: Store, project: str, view: str = "", kafka: Kafka | None = None, registry: str = "", role: Role = "reader"
) -> dict[str, int]:
    """Write the newest committed vector of every entity, of one view or of all; entities by view.

    Addresses: those of the settings when left out. StoreError, StackError as the servers give them.
    """
    newest: defaultdict[str, dict[str, Row]] = defaultdict(dict)
    for record in committed.records(FEATURE, kafka, registry, role):
        if view in ("", record["view"]):
            hear(newest[record["view"]], committed.frame(record).complete())
    for name, rows in newest.items():
        write(store, project, name, rows.values())
    return {name: len(rows) for name, rows in newest.items()}


def hear(newest: dict[str, Row], frame: Frame) -> None:
    """Note the rows of a complete frame that are newer than what was known."""
    for place, symbol in enumerate(frame.symbols):
        old = newest.get(symbol)
        if old is None or old.is_older(frame):
            newest[symbol] = Row(frame, place)


def write(store: Store, project: str, view: str, rows: Iterable[Row]) -> None:
    """The vectors of these rows into the store, frame by frame."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    frames: dict[int, Frame] = {}
    for row in rows:
        frames[id(row.frame)] = row.frame
        places[id(row.frame)].append(row.place)
    fence = store.fence(project, view, SHARD)
    store.describe(project, layout(view))
    for key, frame in frames.items():
        for i in range(0, len(places[key]), GROUP):
            part = frame.part(places[key][i : i + GROUP])
            packed = vectors(view, part, COMMITTED, frame.known_at)
            store.write(project, view, part.symbols, packed, shard=SHARD, fence=fence)
