"""Entities to scores: features by one round trip a part, into a matrix of our own, through the models in use.

In: distinct entities and a moment. Out: a score each, with the model that gave it, and what is to be known about its
features. While one part is computed, a thread fetches the next into the other of two matrices. All parts of a call are
scored by one line-up of models. Must not know: messages, or how models come and go.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from feature_repo.reader import Batch, VectorReader
from feature_repo.stores import Store
from feature_repo.views import layout
from schemas.errors import ModelError, nearest
from udfs.scoring.assign import Assignment
from udfs.scoring.manifest import Manifest

if TYPE_CHECKING:  # a job is submitted without torch
    from udfs.scoring.roster import Lineup

PART = 1024  # entities a round trip: one bucket of the models
NEVER = np.iinfo(np.int64).min  # newest event time of an entity without any features

Int64 = npt.NDArray[np.int64]


def fits(manifest: Manifest, interval: str) -> None:
    """ModelError if a model is of other bars than these, or needs a feature that is no number of a feature view."""
    if manifest.interval != interval:
        what = f"it knows bars of {manifest.interval}, the models in use know {interval}"
        raise ModelError(what, where=f"{manifest.name} {manifest.version}")
    for view, columns in manifest.columns().items():
        of = layout(view)
        if unknown := set(columns) - set(of.numbers):
            name = min(unknown)
            raise ModelError(f"the model needs {name!r}", where=f"view {view}", hint=nearest(name, of.numbers))


class Scored:
    """M entities: scores float64[M], by int64[M] (place of the model), flags uint8[M], oldest and newest int64[M].

    flags are feature_repo.reader.Flags; oldest and newest are event times of the vectors that were read, microseconds
    UTC; newest is NEVER where there is none.
    """

    def __init__(self, m: int) -> None:
        self.scores, self.flags = np.empty(m), np.empty(m, np.uint8)
        self.by, self.oldest, self.newest = (np.empty(m, np.int64) for _ in range(3))


class Scorer:
    """Scores entities from one store with the line-up that `lineup` gives at the start of a call."""

    def __init__(
        self, store: Store, project: str, lineup: "Callable[[], Lineup]", assignment: Assignment, part: int = PART
    ) -> None:
        self._store, self._project, self._assignment, self._part = store, project, assignment, part
        self._lineup = lineup
        self._ahead = ThreadPoolExecutor(1, "tickloom-fetch")
        self._use(lineup())

    def begin(self) -> "Lineup":
        """The models of what is scored until the next call, the newest there are."""
        lineup = self._lineup()
        if lineup is not self.lineup:
            self._use(lineup)
        return lineup

    def score(self, entities: Sequence[str], now_us: int) -> Scored:
        """Scores of distinct entities. StoreError if the store cannot be read."""
        found = Scored(len(entities))
        found.by[:] = self._assignment.of(entities)
        at = 0
        for batch in self._batches(entities, now_us):
            part = slice(at, at + len(batch.values))
            found.scores[part] = self.lineup.score(batch.values, found.by[part])
            found.flags[part], found.oldest[part], found.newest[part] = batch.flags, batch.oldest, batch.newest
            at = part.stop
        return found

    def close(self) -> None:
        """End the thread."""
        self._ahead.shutdown()

    def _use(self, lineup: "Lineup") -> None:
        self.lineup = lineup
        self.signature = _signature(lineup)
        self._reader = VectorReader(self._store, self._project, lineup.columns)
        self._rooms = [np.empty((self._part, len(lineup.columns))) for _ in range(2)]

    def _batches(self, entities: Sequence[str], now_us: int) -> Iterator[Batch]:
        parts = [entities[i : i + self._part] for i in range(0, len(entities), self._part)]
        if len(parts) == 1:
            yield self._reader.read(parts[0], now_us, self._rooms[0])
            return
        ahead = [self._ahead.submit(self._reader.read, part, now_us, self._rooms[0]) for part in parts[:1]]
        for i in range(len(parts)):
            batch = ahead.pop().result()
            if i + 1 < len(parts):
                ahead.append(self._ahead.submit(self._reader.read, parts[i + 1], now_us, self._rooms[(i + 1) % 2]))
            yield batch


def _signature(lineup: "Lineup") -> dict[str, Any]:
    """What every answer says about the models and the features' schemas."""
    manifests = [model.manifest for model in lineup.models]
    views = sorted({view for manifest in manifests for view in manifest.columns()})
    schemas = " ".join(f"{view}:{layout(view).fingerprint:016x}" for view in views)
    fields = ("name", "version", "weights_sha256", "serial")
    return {
        "model": manifests[0].name,
        "model_version": manifests[0].version,
        "models": [{field: getattr(manifest, field) for field in fields} for manifest in manifests],
        "feature_fingerprint": hashlib.sha256(schemas.encode()).hexdigest()[:16],
    }
