"""VectorReader: features of many entities, from several views, in one round trip, into one matrix.

In: entities and a moment. Out: their features with age and flags, a row each; nothing is served whose trouble is not
flagged. Must not know: Feast, models, or what a feature means.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntFlag
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from feature_repo import views
from feature_repo.stores import Store
from schemas.errors import FeatureError, nearest
from udfs.vector import Layout, UnknownSchema, Vectors

SUSPECT_SPLIT = "suspect_split"
UNKNOWN_AGE = -1
FOREVER_US = 1 << 62

Int64 = npt.NDArray[np.int64]
Float64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class Flags(IntFlag):
    """What is the matter with a row; several may be.

    MISSING   a vector is not there, or a value in it
    STALE     a vector is older than allowed
    SUSPECT   the symbol moved as if it had been split, and no split is known
    AHEAD     a vector is newer than the moment asked for
    DEFAULTED a value was replaced by its default
    REFUSED   a policy says that the row must not be used: all its values are NaN
    """

    MISSING = 1
    STALE = 2
    SUSPECT = 4
    AHEAD = 8
    DEFAULTED = 16
    REFUSED = 32


@dataclass(frozen=True)
class Policy:
    """What to do about a feature that is missing, stale, suspect, or ahead where a snapshot was asked for.

    refuse: the whole row; flag: the value stays (NaN if missing); default: the default takes its place.
    max_age_us: beyond it the feature is stale; None: the reader's own.
    """

    on: Literal["refuse", "flag", "default"] = "flag"
    default: float = 0.0
    max_age_us: int | None = None


FLAG = Policy()


@dataclass(frozen=True)
class Batch:
    """M rows. values float64[M, n] in the order of the columns; flags uint8[M] (Flags); age_us int64[M] of the oldest
    vector, -1 where there is none; oldest and newest int64[M], event times of the row's vectors, microseconds UTC.
    """

    values: Float64
    flags: npt.NDArray[np.uint8]
    age_us: Int64
    oldest: Int64
    newest: Int64


@dataclass(frozen=True)
class _View:
    """Where a view's features are in its vectors (there) and in the matrix (here)."""

    layout: Layout
    there: npt.NDArray[np.intp]
    here: npt.NDArray[np.intp]
    max_age_us: Int64
    suspect: int | None


class VectorReader:
    """Reads the numeric features `columns`, each as `view:feature`, of any entities of a project.

    policies: by column; a column without one is flagged. max_age_us: age beyond which a vector is STALE.
    layouts: by view; those of the registry of features where a view is not among them. Keeps no state between reads
    but the schemas that it has met; one reader a thread.
    """

    def __init__(
        self,
        store: Store,
        project: str,
        columns: Sequence[str],
        policies: Mapping[str, Policy] | None = None,
        max_age_us: int = FOREVER_US,
        layouts: Mapping[str, Layout] | None = None,
    ) -> None:
        self._store, self._project, self.columns = store, project, tuple(columns)
        policies = policies or {}
        if unknown := set(policies) - set(columns):
            raise FeatureError(f"a policy for {min(unknown)!r}", hint=nearest(min(unknown), self.columns))
        self._policies = [policies.get(name, FLAG) for name in columns]
        self._refuse, self._default = (np.array([p.on == on for p in self._policies]) for on in ("refuse", "default"))
        self._defaults = np.array([policy.default for policy in self._policies])
        self._strict = bool(self._refuse.any() or self._default.any())
        self._views = {name: self._view(name, max_age_us, layouts or {}) for name in _views_of(columns)}
        self._others: dict[str, dict[int, Layout]] = {}

    def read(
        self, entities: Sequence[str], now_us: int, out: Float64 | None = None, as_of_us: int | None = None
    ) -> Batch:
        """Features of M entities as columns, one round trip.

        now_us: the moment from which age counts, microseconds UTC. out: float64[>= M, n] to read into, such as a
        pinned tensor's numpy view; values is its first M rows. as_of_us: all values are of this time or before: the
        store keeps the newest only, so what is newer is not served, the row is AHEAD and its values are NaN.
        StoreError if the store cannot be read or a vector is damaged.
        """
        m, n = len(entities), len(self.columns)
        if out is None:
            out = np.empty((m, n))
        elif out.shape[0] < m or out.shape[1:] != (n,) or out.dtype != np.float64:
            raise FeatureError(f"an array {out.dtype}{list(out.shape)} for {m} entities of {n} columns")
        values, flags = out[:m], np.zeros(m, np.uint8)
        oldest, newest = np.full(m, np.iinfo(np.int64).max), np.full(m, np.iinfo(np.int64).min)
        present, bad = np.zeros(m, np.bool_), np.zeros((m, n), np.bool_)
        found = self._store.read_many(self._project, [(view, entities) for view in self._views])
        for view, raw in zip(self._views.values(), found, strict=True):
            vectors = self._unpack(view.layout, raw)
            values[:, view.here] = vectors.values[:, view.there]
            np.minimum(oldest, vectors.event_time, out=oldest, where=vectors.present)
            np.maximum(newest, vectors.event_time, out=newest, where=vectors.present)
            present |= vectors.present
            self._judge(view, vectors, now_us, as_of_us, values, flags, bad)
        age_us = np.where(present, now_us - oldest, UNKNOWN_AGE)
        self._apply(values, flags, bad)
        return Batch(values, flags, age_us, oldest, newest)

    def _judge(
        self, view: _View, vectors: Vectors, now_us: int, as_of_us: int | None, values: Float64,
        flags: npt.NDArray[np.uint8], bad: Mask,
    ) -> None:  # fmt: skip
        """Flag the rows of one view, and mark the values that a policy is about."""
        limit_us = as_of_us if as_of_us is not None else now_us
        ahead = vectors.present & (vectors.event_time > limit_us)
        if as_of_us is not None and ahead.any():
            values[np.ix_(ahead, view.here)] = np.nan
        missing = np.isnan(values[:, view.here])
        age_us = np.where(vectors.present, now_us - vectors.event_time, 0)
        suspect = np.zeros(len(flags), np.bool_)
        if view.suspect is not None:
            suspect = vectors.values[:, view.suspect] > 0
        flags[missing.any(axis=1)] |= np.uint8(Flags.MISSING)
        flags[age_us > view.max_age_us.min()] |= np.uint8(Flags.STALE)
        flags[suspect] |= np.uint8(Flags.SUSPECT)
        flags[ahead] |= np.uint8(Flags.AHEAD)
        if self._strict:
            bad[:, view.here] = missing | (age_us[:, None] > view.max_age_us) | suspect[:, None]

    def _apply(self, values: Float64, flags: npt.NDArray[np.uint8], bad: Mask) -> None:
        if not self._strict:
            return
        use = bad & self._default
        np.copyto(values, self._defaults, where=use)
        flags[use.any(axis=1)] |= np.uint8(Flags.DEFAULTED)
        refused = (bad & self._refuse).any(axis=1)
        values[refused] = np.nan
        flags[refused] |= np.uint8(Flags.REFUSED)

    def _unpack(self, layout: Layout, raw: Sequence[bytes | None]) -> Vectors:
        """The vectors as columns; a schema that is not this view's is looked up in the store when it is met first."""
        others = self._others.get(layout.view)
        try:
            return layout.unpack(raw, others, texts=False)
        except UnknownSchema:
            self._others[layout.view] = self._store.layouts(self._project, layout.view)
            return layout.unpack(raw, self._others[layout.view], texts=False)

    def _view(self, name: str, max_age_us: int, layouts: Mapping[str, Layout]) -> _View:
        of = layouts[name] if name in layouts else views.layout(name)
        here = [i for i, column in enumerate(self.columns) if column.partition(":")[0] == name]
        features = [self.columns[i].partition(":")[2] for i in here]
        if unknown := set(features) - set(of.numbers):
            missing = min(unknown)
            raise FeatureError(f"no number {missing!r}", where=f"view {name}", hint=nearest(missing, of.numbers))
        ages: list[Any] = [self._policies[i].max_age_us or max_age_us for i in here]
        suspect = of.numbers.index(SUSPECT_SPLIT) if SUSPECT_SPLIT in of.numbers else None
        there = [of.numbers.index(feature) for feature in features]
        return _View(of, np.array(there, np.intp), np.array(here, np.intp), np.array(ages, np.int64), suspect)


def _views_of(columns: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(column.partition(":")[0] for column in columns))
